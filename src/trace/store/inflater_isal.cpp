#include <isa-l/igzip_lib.h>

#include <algorithm>

#include "trace/store/inflater.h"

namespace molgen3d::trace {

// The decoder's state is plain data: history and tables lie inside, only next_in and next_out point
// elsewhere, and run() sets those. That is what makes clone() a copy.
struct Inflater::State {
  inflate_state isal;
};

Inflater::Inflater() : state_(std::make_unique<State>()) {
  start_member();
}
Inflater::Inflater(std::unique_ptr<State> state) : state_(std::move(state)) {}
Inflater::~Inflater() = default;

std::unique_ptr<Inflater> Inflater::clone() const {
  return std::unique_ptr<Inflater>(new Inflater(std::make_unique<State>(*state_)));
}

void Inflater::start_member() {
  isal_inflate_init(&state_->isal);
  state_->isal.crc_flag = ISAL_GZIP;
}

Inflater::Status Inflater::run(const uint8_t*& in, size_t& in_size, char*& out, size_t& out_size) {
  inflate_state& s = state_->isal;
  const uint32_t in_part = static_cast<uint32_t>(std::min<size_t>(in_size, 1u << 30));
  const uint32_t out_part = static_cast<uint32_t>(std::min<size_t>(out_size, 1u << 30));
  s.next_in = const_cast<uint8_t*>(in);
  s.avail_in = in_part;
  s.next_out = reinterpret_cast<uint8_t*>(out);
  s.avail_out = out_part;
  const int code = isal_inflate(&s);
  in += in_part - s.avail_in;
  in_size -= in_part - s.avail_in;
  out += out_part - s.avail_out;
  out_size -= out_part - s.avail_out;
  if (code < 0) return Status::kCorrupt;
  return s.block_state == ISAL_BLOCK_FINISH ? Status::kMemberEnd : Status::kMore;
}

}  // namespace molgen3d::trace
