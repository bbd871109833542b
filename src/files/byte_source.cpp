#include "files/byte_source.h"

#include <fcntl.h>
#include <lzma.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace molgen3d {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kXzMagic = "\xFD\x37zXZ\0"sv;
constexpr std::string_view kGzipMagic = "\x1F\x8B"sv;
constexpr size_t kMostMagic = 6;
constexpr size_t kBuffer = size_t{1} << 16;
constexpr const char* kTooEarly = "compressed data end too early";
constexpr const char* kCorrupt = "compressed data are corrupt";

struct Packing {
  std::string_view magic;
  const char* name;
};
constexpr Packing kRefused[] = {{"BZh"sv, "bzip2"},
                                {"PK\x03\x04"sv, "zip"},
                                {"\x28\xB5\x2F\xFD"sv, "zstd"},
                                {"\x37z\xBC\xAF\x27\x1C"sv, "7-Zip"},
                                {"\x04\x22\x4D\x18"sv, "lz4"},
                                {"\x1F\x9D"sv, "compress (.Z)"}};

/// A descriptor whose first bytes can be looked at before they are read, so that pipes are told
/// apart as files are.
class RawInput {
 public:
  explicit RawInput(int descriptor) : descriptor_(descriptor), buffer_(kBuffer) {}
  ~RawInput() { ::close(descriptor_); }
  RawInput(const RawInput&) = delete;
  RawInput& operator=(const RawInput&) = delete;

  /// As many first bytes as there are, up to kMostMagic.
  std::string_view begin() {
    // A pipe may bring them one by one; once they cannot be a magic number, no more are waited for.
    while (end_ < kMostMagic && could_be_packed() && fill_up()) {
    }
    return left();
  }
  std::string_view left() const { return {buffer_.data() + at_, end_ - at_}; }
  void take(size_t count) { at_ += count; }
  /// Next bytes into an empty buffer; false at the end and after an error.
  bool refill() {
    at_ = end_ = 0;
    return fill_up();
  }
  const std::string& error() const { return error_; }

 private:
  bool could_be_packed() const {
    const auto agrees = [&](std::string_view magic) {
      const size_t common = std::min(magic.size(), end_);
      return end_ < magic.size() && left().substr(0, common) == magic.substr(0, common);
    };
    return agrees(kXzMagic) || agrees(kGzipMagic) ||
           std::any_of(std::begin(kRefused), std::end(kRefused),
                       [&](const Packing& packing) { return agrees(packing.magic); });
  }

  bool fill_up() {
    ssize_t count = 0;
    do {
      count = ::read(descriptor_, buffer_.data() + end_, buffer_.size() - end_);
    } while (count < 0 && errno == EINTR);
    if (count < 0) error_ = std::strerror(errno);
    if (count > 0) end_ += static_cast<size_t>(count);
    return count > 0;
  }

  int descriptor_;
  std::vector<char> buffer_;
  size_t at_ = 0;
  size_t end_ = 0;
  std::string error_;
};

class PlainSource : public ByteSource {
 public:
  explicit PlainSource(std::unique_ptr<RawInput> input) : input_(std::move(input)) {}

  size_t read(char* buffer, size_t size) override {
    if (input_->left().empty() && !input_->refill()) {
      error_ = input_->error();
      return 0;
    }
    const size_t count = std::min(size, input_->left().size());
    std::memcpy(buffer, input_->left().data(), count);
    input_->take(count);
    return count;
  }

 private:
  std::unique_ptr<RawInput> input_;
};

class GzipSource : public ByteSource {
 public:
  explicit GzipSource(std::unique_ptr<RawInput> input) : input_(std::move(input)) {
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    if (inflateInit2(&stream_, kGzipOnly) != Z_OK) error_ = "out of memory";
  }
  ~GzipSource() override { inflateEnd(&stream_); }

  size_t read(char* buffer, size_t size) override {
    if (!error_.empty() || ended_) return 0;
    stream_.next_out = reinterpret_cast<Bytef*>(buffer);
    stream_.avail_out = static_cast<uInt>(size);
    while (stream_.avail_out > 0 && error_.empty() && !ended_) step();
    return size - stream_.avail_out;
  }

 private:
  void step() {
    if (input_->left().empty() && !input_->refill()) {
      error_ = input_->error().empty() ? kTooEarly : input_->error();
      return;
    }
    const size_t before = input_->left().size();
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input_->left().data()));
    stream_.avail_in = static_cast<uInt>(before);
    const int code = inflate(&stream_, Z_NO_FLUSH);
    input_->take(before - stream_.avail_in);
    if (code == Z_STREAM_END) {
      next_member();
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      error_ = code == Z_MEM_ERROR ? "out of memory" : kCorrupt;
    }
  }

  // Files may be joined (`cat a.gz b.gz`); what follows otherwise is padding, as for gzip itself.
  void next_member() {
    if (input_->left().empty()) input_->refill();
    ended_ = input_->left().empty() || input_->left().front() != kGzipMagic.front();
    if (!ended_) inflateReset(&stream_);
    error_ = input_->error();
  }

  std::unique_ptr<RawInput> input_;
  z_stream stream_{};
  bool ended_ = false;
};

class XzSource : public ByteSource {
 public:
  explicit XzSource(std::unique_ptr<RawInput> input) : input_(std::move(input)) {
    if (lzma_stream_decoder(&stream_, UINT64_MAX, LZMA_CONCATENATED) != LZMA_OK) {
      error_ = "out of memory";
    }
  }
  ~XzSource() override { lzma_end(&stream_); }

  size_t read(char* buffer, size_t size) override {
    if (!error_.empty() || ended_) return 0;
    stream_.next_out = reinterpret_cast<uint8_t*>(buffer);
    stream_.avail_out = size;
    while (stream_.avail_out > 0) {
      if (input_->left().empty() && !at_end_) {
        at_end_ = !input_->refill();
        error_ = input_->error();
        if (!error_.empty()) break;
      }
      const size_t before = input_->left().size();
      stream_.next_in = reinterpret_cast<const uint8_t*>(input_->left().data());
      stream_.avail_in = before;
      const lzma_ret code = lzma_code(&stream_, at_end_ ? LZMA_FINISH : LZMA_RUN);
      input_->take(before - stream_.avail_in);
      if (code == LZMA_OK) continue;
      ended_ = true;
      if (code != LZMA_STREAM_END) {
        error_ = code == LZMA_BUF_ERROR   ? kTooEarly
                 : code == LZMA_MEM_ERROR ? "out of memory"
                                          : kCorrupt;
      }
      break;
    }
    return size - stream_.avail_out;
  }

 private:
  std::unique_ptr<RawInput> input_;
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool at_end_ = false;
  bool ended_ = false;
};

}  // namespace

std::string without_packing(const std::string& path) {
  const bool packed = path.ends_with(".gz") || path.ends_with(".xz");
  return packed ? path.substr(0, path.size() - 3) : path;
}

std::unique_ptr<ByteSource> open_byte_source(const std::string& path) {
  struct stat info {};
  if (path != "-" && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    throw Error::format("{}: is a directory", path);
  }
  const int descriptor =
      path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    throw Error::format("{}: cannot be opened: {}", path, std::strerror(errno));
  }
  auto input = std::make_unique<RawInput>(descriptor);
  const std::string_view begin = input->begin();
  if (begin.starts_with(kXzMagic)) return std::make_unique<XzSource>(std::move(input));
  if (begin.starts_with(kGzipMagic)) return std::make_unique<GzipSource>(std::move(input));
  for (const Packing& packing : kRefused) {
    if (begin.starts_with(packing.magic))
      throw Error::format("{}: packed with {}: unpack it first (.gz and .xz are read as they are)",
                          path, packing.name);
  }
  return std::make_unique<PlainSource>(std::move(input));
}

std::string read_whole(const std::string& path) {
  if (!std::filesystem::exists(path)) throw Error::format("{}: no such file", path);
  if (std::filesystem::is_directory(path)) throw Error::format("{}: is a directory", path);
  const std::unique_ptr<ByteSource> source = open_byte_source(path);
  std::string out;
  std::vector<char> buffer(size_t{1} << 18);
  while (const size_t count = source->read(buffer.data(), buffer.size()))
    out.append(buffer.data(), count);
  if (!source->error().empty()) throw Error::format("{}: {}", path, source->error());
  return out;
}

}  // namespace molgen3d
