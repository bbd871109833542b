#include "engine/cuda/constraint_upload.h"

#include "base/error.h"

namespace molgen3d::cuda {

static_assert(kTemplateLeaveHole == HoleTables::kLeaveHole);
static_assert(kTemplateInHole == TemplateProgram::kInHole);
static_assert(sizeof(TemplateProgram::Segment) == 3 * sizeof(uint32_t));

const DeviceMemory& ConstraintUpload::shared(const std::shared_ptr<const void>& key,
                                             const void* data, size_t bytes, size_t index) {
  std::vector<Shared>& parts = shared_[key.get()];
  if (parts.size() <= index) {
    Shared part{key, DeviceMemory(bytes, "constraint tables")};
    check(cudaMemcpyAsync(part.memory.data(), data, bytes, cudaMemcpyHostToDevice, stream_),
          "copy of constraint tables");
    parts.push_back(std::move(part));
  }
  return parts[index].memory;
}

/// Drafts are made for one automaton, whose states and edges keep their numbers while it grows.
bool ConstraintUpload::drafts_fit(const std::shared_ptr<const HoleTables>& holes) {
  if (holes == drafted_) return true;
  if (holes->row_begin.size() > kDraftStates || holes->edge_token.size() > kDraftEdges)
    return false;
  if (drafted_ != nullptr && drafted_->grown_from(*holes)) return true;
  if (drafted_ != nullptr && !holes->grown_from(*drafted_)) return false;
  drafted_ = holes;
  return true;
}

DeviceConstraint ConstraintUpload::prepare(const std::shared_ptr<const Constraint>& constraint,
                                           std::vector<int>& words) {
  words.clear();
  DeviceConstraint out;
  if (constraint == nullptr) return out;
  if (const auto* program = dynamic_cast<const TemplateProgram*>(constraint.get())) {
    out.kind = ConstraintKind::kTemplate;
    const HoleTables& holes = *program->holes;
    out.row_begin =
        shared(program->holes, holes.row_begin.data(), holes.row_begin.size() * sizeof(uint32_t), 0)
            .as<uint32_t>();
    out.edge_token = shared(program->holes, holes.edge_token.data(),
                            holes.edge_token.size() * sizeof(TokenId), 1)
                         .as<int>();
    out.edge_next =
        shared(program->holes, holes.edge_next.data(), holes.edge_next.size() * sizeof(uint32_t), 2)
            .as<uint32_t>();
    out.drafts = drafts_fit(program->holes) ? 1 : 0;
    out.segment_count = static_cast<int>(program->segments.size());
    for (const TemplateProgram::Segment& segment : program->segments) {
      for (const uint32_t word :
           {segment.literal_begin, segment.literal_count, segment.entry_state}) {
        words.push_back(static_cast<int>(word));
      }
    }
    std::vector<int> before = program->bonded_before;
    before.resize(program->segments.size(), -1);
    words.insert(words.end(), before.begin(), before.end());
    words.insert(words.end(), program->literal_tokens.begin(), program->literal_tokens.end());
    return out;
  }
  if (const auto* program = dynamic_cast<const PositionProgram*>(constraint.get())) {
    out.kind = ConstraintKind::kPositions;
    out.position_count = static_cast<int>(program->positions.size());
    out.masks_allow = program->masks_allow ? 1 : 0;
    for (const PositionProgram::Position& position : program->positions) {
      words.push_back(position.forced);
      words.push_back(position.mask);
    }
    if (words.size() % 2 != 0) words.push_back(0);
    for (const std::shared_ptr<const TokenMask>& mask : program->masks) {
      const uint32_t* address =
          shared(mask, mask->words().data(), mask->words().size_bytes(), 0).as<uint32_t>();
      const auto bits = reinterpret_cast<uintptr_t>(address);
      words.push_back(static_cast<int>(static_cast<uint32_t>(bits)));
      words.push_back(static_cast<int>(static_cast<uint32_t>(bits >> 32)));
    }
    if (program->masks_allow) {
      out.reachable_count = static_cast<int>(program->reachable_ids.size());
      words.insert(words.end(), program->reachable_ids.begin(), program->reachable_ids.end());
    }
    out.mask_count = static_cast<int>(program->masks.size());
    return out;
  }
  throw Error("CUDA backend: a constraint of a kind that has no tables for the device");
}

void ConstraintUpload::place(DeviceConstraint& constraint, const int* program) {
  if (constraint.kind == ConstraintKind::kTemplate) {
    constraint.segments = reinterpret_cast<const uint32_t*>(program);
    constraint.bonded_before = program + 3 * static_cast<size_t>(constraint.segment_count);
    constraint.literals = program + 4 * static_cast<size_t>(constraint.segment_count);
  } else if (constraint.kind == ConstraintKind::kPositions) {
    constraint.positions = program;
    constraint.masks = reinterpret_cast<const uint32_t* const*>(
        program + 2 * static_cast<size_t>(constraint.position_count));
    constraint.reachable =
        program + 2 * static_cast<size_t>(constraint.position_count + constraint.mask_count);
  }
}

}  // namespace molgen3d::cuda
