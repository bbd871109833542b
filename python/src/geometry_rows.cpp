#include "geometry_rows.h"

#include <algorithm>

#include "base/error.h"

namespace molgen3d::python {

GeometryRows::GeometryRows(std::vector<std::shared_ptr<const Constraint>> rows,
                           const std::vector<std::shared_ptr<const geometry::HardSet>>& sets,
                           const std::shared_ptr<const geometry::TokenTexts>& texts)
    : rows_(std::move(rows)) {
  if (sets.size() != rows_.size())
    throw Error::format("{} hard sets for {} rows", sets.size(), rows_.size());
  for (const auto& set : sets) searches_.emplace_back(set, texts);
}

void GeometryRows::advance(std::span<const TokenId> tokens) {
  const std::vector<int64_t> before = rows_.taken();
  rows_.advance(tokens);
  for (size_t row = 0; row < searches_.size(); ++row) {
    if (rows_.taken()[row] != before[row]) searches_[row].take(tokens[row]);
  }
}

std::vector<int64_t> GeometryRows::choices(size_t& width) {
  const std::vector<int64_t> all = rows_.choices(width);
  std::vector<int64_t> out;
  out.reserve(all.size());
  for (size_t row = 0; row < searches_.size(); ++row) {
    // Short rows repeat their first id.
    std::vector<TokenId> legal = {static_cast<TokenId>(all[row * width])};
    for (size_t k = 1; k < width && all[row * width + k] != all[row * width]; ++k)
      legal.push_back(static_cast<TokenId>(all[row * width + k]));
    const std::vector<TokenId> allowed = searches_[row].allowed(legal);
    out.insert(out.end(), allowed.begin(), allowed.end());
    out.insert(out.end(), width - allowed.size(), allowed.front());
  }
  return out;
}

std::vector<int64_t> GeometryRows::dead_ends() const {
  std::vector<int64_t> out;
  for (const geometry::ForwardSearch& search : searches_) out.push_back(search.dead_end());
  return out;
}

}  // namespace molgen3d::python
