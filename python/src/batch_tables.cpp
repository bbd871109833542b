#include "batch_tables.h"

#include <algorithm>
#include <limits>
#include <map>

#include "base/error.h"

namespace molgen3d::python {

namespace {

/// The newest version of the hole tables: it holds the rows of all older ones.
std::shared_ptr<const HoleTables> common_tables(
    std::span<const std::shared_ptr<const TemplateProgram>> programs) {
  std::shared_ptr<const HoleTables> newest = programs.front()->holes;
  for (const auto& program : programs) {
    if (program->holes->row_begin.size() > newest->row_begin.size()) newest = program->holes;
  }
  for (const auto& program : programs) {
    const HoleTables& older = *program->holes;
    if (!std::equal(older.row_begin.begin(), older.row_begin.end(), newest->row_begin.begin()) ||
        !std::equal(older.edge_token.begin(), older.edge_token.end(), newest->edge_token.begin())) {
      throw Error("templates of one batch must come from one TemplateCompiler");
    }
  }
  return newest;
}

int64_t key_of(int64_t node, TokenId token) {
  return node << 32 | static_cast<int64_t>(static_cast<uint32_t>(token));
}

}  // namespace

TemplateBatch batch_templates(std::span<const std::shared_ptr<const TemplateProgram>> programs) {
  if (programs.empty()) throw Error("a batch needs at least one template");
  const auto holes = common_tables(programs);
  const size_t hole_states = holes->row_begin.size() - 1;
  int64_t literal_nodes = 0;
  for (const auto& program : programs) {
    literal_nodes += static_cast<int64_t>(program->literal_tokens.size());
  }
  TemplateBatch out;
  out.done = literal_nodes;
  const int64_t first_hole = literal_nodes + 1;

  // Rows of `choices`: the hole states, then one for each token that some literal forces.
  std::map<TokenId, int64_t> forced_row;
  const auto row_of_token = [&](TokenId token) {
    return forced_row.emplace(token, static_cast<int64_t>(hole_states + forced_row.size()))
        .first->second;
  };

  int64_t base = 0;
  for (const auto& program : programs) {
    const auto& segments = program->segments;
    // The node after `taken` tokens of a segment's literal.
    const auto after = [&](size_t s, uint32_t taken) {
      if (taken < segments[s].literal_count) return base + segments[s].literal_begin + taken;
      return s + 1 == segments.size() ? out.done : first_hole + segments[s].entry_state;
    };
    out.start_node.push_back(base);
    out.start_segment.push_back(static_cast<int64_t>(out.after_first.size()));
    for (size_t s = 0; s < segments.size(); ++s) {
      out.after_first.push_back(after(s, 1));
      for (uint32_t k = 0; k < segments[s].literal_count; ++k) {
        const TokenId token = program->literal_tokens[segments[s].literal_begin + k];
        out.edge_key.push_back(key_of(after(s, k), token));
        out.edge_next.push_back(after(s, k + 1));
        out.choice_row.push_back(row_of_token(token));
      }
    }
    base += static_cast<int64_t>(program->literal_tokens.size());
  }
  const TokenId end_of_sequence = programs.front()->literal_tokens.back();
  out.choice_row.push_back(row_of_token(end_of_sequence));

  for (size_t state = 0; state < hole_states; ++state) {
    out.choice_row.push_back(static_cast<int64_t>(state));
    out.width = std::max<int64_t>(out.width, holes->row_begin[state + 1] - holes->row_begin[state]);
    for (uint32_t e = holes->row_begin[state]; e < holes->row_begin[state + 1]; ++e) {
      out.edge_key.push_back(
          key_of(first_hole + static_cast<int64_t>(state), holes->edge_token[e]));
      const uint32_t next = holes->edge_next[e];
      out.edge_next.push_back(next == HoleTables::kLeaveHole ? -1 : first_hole + next);
    }
  }
  out.edge_key.push_back(std::numeric_limits<int64_t>::max());
  out.edge_next.push_back(out.done);

  const auto width = static_cast<size_t>(out.width);
  out.choices.resize((hole_states + forced_row.size()) * width);
  for (size_t state = 0; state < hole_states; ++state) {
    const uint32_t begin = holes->row_begin[state];
    const uint32_t count = holes->row_begin[state + 1] - begin;
    for (uint32_t k = 0; k < width; ++k) {
      out.choices[state * width + k] = holes->edge_token[begin + (k < count ? k : 0)];
    }
  }
  for (const auto& [token, row] : forced_row) {
    std::fill_n(out.choices.begin() + row * out.width, width, token);
  }
  return out;
}

HostRows::HostRows(std::vector<std::shared_ptr<const Constraint>> rows)
    : rows_(std::move(rows)), taken_(rows_.size(), 0) {
  for (const auto& row : rows_) states_.push_back(row->start());
}

bool HostRows::legal(size_t row, TokenId token) const {
  const Choices choices = rows_[row]->choices(states_[row]);
  switch (choices.kind) {
    case Choices::Kind::kForced:
      return choices.forced == token;
    case Choices::Kind::kListed:
      return std::binary_search(choices.listed.begin(), choices.listed.end(), token);
    case Choices::Kind::kBlocked:
      return !choices.mask->contains(token);
    case Choices::Kind::kAllowed:
      return choices.mask->contains(token);
    case Choices::Kind::kAny:
      break;
  }
  return true;
}

void HostRows::advance(std::span<const TokenId> tokens) {
  if (tokens.size() != rows_.size()) {
    throw Error::format("{} tokens for {} rows", tokens.size(), rows_.size());
  }
  for (size_t row = 0; row < rows_.size(); ++row) {
    if (finished(row) || !legal(row, tokens[row])) continue;
    states_[row] = rows_[row]->advance(states_[row], tokens[row]);
    ++taken_[row];
  }
}

std::vector<int64_t> HostRows::choices(size_t& width) const {
  std::vector<Choices> all;
  width = 1;
  for (size_t row = 0; row < rows_.size(); ++row) {
    all.push_back(rows_[row]->choices(states_[row]));
    width = std::max(width, all.back().listed.size());
  }
  std::vector<int64_t> out;
  out.reserve(all.size() * width);
  for (const Choices& choices : all) {
    if (choices.kind == Choices::Kind::kForced) {
      out.insert(out.end(), width, choices.forced);
    } else if (choices.kind == Choices::Kind::kListed) {
      out.insert(out.end(), choices.listed.begin(), choices.listed.end());
      out.insert(out.end(), width - choices.listed.size(), choices.listed.front());
    } else {
      throw Error("this constraint lists no tokens");
    }
  }
  return out;
}

}  // namespace molgen3d::python
