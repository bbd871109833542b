// One gzip decoder behind two libraries: ISA-L where it is there (3x faster), else zlib.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace molgen3d::trace {

/// Inflates gzip members one after the other. Copyable at any point: a copy resumes there.
class Inflater {
 public:
  enum class Status { kMore, kMemberEnd, kCorrupt };

  Inflater();
  ~Inflater();
  std::unique_ptr<Inflater> clone() const;

  /// Decodes from [in, in + in_size) into [out, out + out_size); moves all four. kMore: more input
  /// or more room is needed. kMemberEnd: call start_member() before any further input.
  Status run(const uint8_t*& in, size_t& in_size, char*& out, size_t& out_size);
  void start_member();

 private:
  struct State;
  explicit Inflater(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace molgen3d::trace
