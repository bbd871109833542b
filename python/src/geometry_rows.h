// Exact templates with hard sets, one per row, stepped on the host.
#pragma once

#include "batch_tables.h"
#include "geometry/forward_search.h"

namespace molgen3d::python {

class GeometryRows {
 public:
  /// As many sets as rows. Throws Error otherwise.
  GeometryRows(std::vector<std::shared_ptr<const Constraint>> rows,
               const std::vector<std::shared_ptr<const geometry::HardSet>>& sets,
               const std::shared_ptr<const geometry::TokenTexts>& texts);

  /// As HostRows.
  void advance(std::span<const TokenId> tokens);
  std::vector<int64_t> choices(size_t& width);
  const HostRows& rows() const { return rows_; }
  /// By row: the place in the text of the atom from which on nothing is enforced, or -1.
  std::vector<int64_t> dead_ends() const;

 private:
  HostRows rows_;
  std::vector<geometry::ForwardSearch> searches_;
};

}  // namespace molgen3d::python
