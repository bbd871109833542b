// Constraints of one batch as flat arrays, to be stepped by array operations on any device.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "constraint/template_program.h"

namespace molgen3d::python {

/// One graph for a batch of templates. Nodes: all literal tokens (program after program), one
/// shared node for rows that are done, then the states of the shared hole automaton. A row's state
/// is (node, segment), segments numbered through all programs:
///
///     edge = lower_bound(edge_key, node << 32 | token)
///     next = edge_next[edge]                 when edge_key[edge] is that key, else the row strays
///     next = after_first[++segment]          when next is -1: the token began the next literal
///     legal tokens of a node: choices[choice_row[node]]
struct TemplateBatch {
  std::vector<int64_t> edge_key;     ///< ascending; a sentinel at the end
  std::vector<int64_t> edge_next;    ///< node, or -1 when the hole is left
  std::vector<int64_t> after_first;  ///< by segment: the node once its first token is taken
  std::vector<int64_t> choice_row;   ///< by node
  std::vector<int64_t> choices;      ///< rows of `width`; short ones repeat their first id
  int64_t width = 1;
  int64_t done = 0;                    ///< the node of finished rows; end-of-sequence is its choice
  std::vector<int64_t> start_node;     ///< by program
  std::vector<int64_t> start_segment;  ///< by program
};

/// `programs` must come from one TemplateCompiler. Throws Error when they do not.
TemplateBatch batch_templates(std::span<const std::shared_ptr<const TemplateProgram>> programs);

/// Any constraints, one per row, stepped on the host: for what has no flat tables.
class HostRows {
 public:
  explicit HostRows(std::vector<std::shared_ptr<const Constraint>> rows);

  /// One token per row. Finished rows ignore theirs; the others count it when it was legal.
  void advance(std::span<const TokenId> tokens);
  /// Legal tokens, `width` per row, short rows repeat their first id. Throws Error for constraints
  /// that list no tokens.
  std::vector<int64_t> choices(size_t& width) const;
  bool finished(size_t row) const { return rows_[row]->finished(states_[row]); }
  /// Legal tokens taken so far.
  const std::vector<int64_t>& taken() const { return taken_; }
  size_t size() const { return rows_.size(); }

 private:
  bool legal(size_t row, TokenId token) const;

  std::vector<std::shared_ptr<const Constraint>> rows_;
  std::vector<ConstraintState> states_;
  std::vector<int64_t> taken_;
};

}  // namespace molgen3d::python
