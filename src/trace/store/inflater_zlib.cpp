#include <zlib.h>

#include <algorithm>
#include <new>

#include "trace/store/inflater.h"

namespace molgen3d::trace {

struct Inflater::State {
  z_stream z{};
  ~State() { inflateEnd(&z); }
};

Inflater::Inflater() : state_(std::make_unique<State>()) {
  if (inflateInit2(&state_->z, 15 + 16) != Z_OK) throw std::bad_alloc();
}
Inflater::Inflater(std::unique_ptr<State> state) : state_(std::move(state)) {}
Inflater::~Inflater() = default;

std::unique_ptr<Inflater> Inflater::clone() const {
  auto copy = std::make_unique<State>();
  if (inflateCopy(&copy->z, &state_->z) != Z_OK) throw std::bad_alloc();
  return std::unique_ptr<Inflater>(new Inflater(std::move(copy)));
}

void Inflater::start_member() {
  inflateReset(&state_->z);
}

Inflater::Status Inflater::run(const uint8_t*& in, size_t& in_size, char*& out, size_t& out_size) {
  z_stream& z = state_->z;
  const uInt in_part = static_cast<uInt>(std::min<size_t>(in_size, 1u << 30));
  const uInt out_part = static_cast<uInt>(std::min<size_t>(out_size, 1u << 30));
  z.next_in = const_cast<Bytef*>(in);
  z.avail_in = in_part;
  z.next_out = reinterpret_cast<Bytef*>(out);
  z.avail_out = out_part;
  const int code = inflate(&z, Z_NO_FLUSH);
  in += in_part - z.avail_in;
  in_size -= in_part - z.avail_in;
  out += out_part - z.avail_out;
  out_size -= out_part - z.avail_out;
  if (code == Z_STREAM_END) return Status::kMemberEnd;
  return code == Z_OK || code == Z_BUF_ERROR ? Status::kMore : Status::kCorrupt;
}

}  // namespace molgen3d::trace
