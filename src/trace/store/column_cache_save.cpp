#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>

#include "trace/store/column_cache_file.h"

namespace molgen3d::trace::cache {
namespace {

// Texts as one block: length, bytes, length, bytes, ...
void put_text(std::string& out, std::string_view text) {
  const uint64_t size = text.size();
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
  out += text;
}
void put_number(std::string& out, uint64_t number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}
std::string texts_of(const Trace& t) {
  std::string out;
  put_number(out, t.strings.size());
  for (StringId id = 1; id < t.strings.size(); ++id) put_text(out, t.strings.view(id));
  put_number(out, t.metadata.size());
  for (const auto& [key, value] : t.metadata) {
    put_text(out, key);
    put_text(out, value);
  }
  put_number(out, t.issue_counts.size());
  for (const auto& [what, count] : t.issue_counts) {
    put_text(out, what);
    put_number(out, count);
  }
  put_number(out, t.issues.size());
  for (const Issue& i : t.issues) {
    put_number(out, i.offset);
    put_text(out, i.what);
    put_text(out, i.excerpt);
  }
  return out;
}

bool write_all(int fd, const void* data, size_t size) {
  const char* p = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = ::write(fd, p, std::min<size_t>(size, 1 << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    p += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

}  // namespace

namespace {

using Section = std::pair<const void*, size_t>;

Header header_of(const Trace& t, const std::vector<Section>& sections) {
  Header h;
  std::memcpy(h.magic, kMagic, sizeof kMagic);
  std::random_device random;
  h.seed = uint64_t{random()} << 32 | random();
  h.rows = t.slices.size();
  h.json_bytes = t.json_bytes;
  h.rest_offset = t.rest_offset;
  h.rest_bytes = t.rest_bytes;
  h.events = t.events;
  h.overlaps = t.overlaps;
  h.phase_count = t.phase_count;
  h.members = t.input.members;
  h.gzip = t.input.gzip;
  h.truncated = t.input.truncated;
  h.corrupt = t.input.corrupt;
  h.trailing_garbage = t.input.trailing_garbage;
  h.bare_array = t.bare_array;
  h.closed = t.closed;
  uint64_t at = (sizeof(Header) + 63) / 64 * 64;
  for (size_t i = 0; i < sections.size(); ++i) {
    h.offset[i] = at;
    h.bytes[i] = sections[i].second;
    at += (sections[i].second + 63) / 64 * 64;
  }
  h.file_size = at;
  return h;
}

bool write_sections(int fd, const Header& h, const std::vector<Section>& sections) {
  const char zeros[64] = {};
  bool good = write_all(fd, &h, sizeof h) && write_all(fd, zeros, (64 - sizeof(Header) % 64) % 64);
  for (size_t i = 0; good && i < sections.size(); ++i) {
    good = write_all(fd, sections[i].first, sections[i].second) &&
           write_all(fd, zeros, (64 - sections[i].second % 64) % 64);
  }
  return good;
}

}  // namespace

bool save(const std::string& cache, const Trace& t, std::string& problem) {
  const std::string texts = texts_of(t);
  std::vector<Section> sections;
  for_each_array(t, [&](const auto& array) {
    using Value = std::remove_cvref_t<decltype(*array.begin())>;
    sections.emplace_back(array.data(), array.size() * sizeof(Value));
  });
  sections.emplace_back(texts.data(), texts.size());
  Header h = header_of(t, sections);
  const std::optional<Source> source = identify(t.path, h.seed);
  // The columns are those of the file only if nobody wrote to it from the first read byte to here.
  if (!source || !(InputStream(t.path).stamp() == t.stamp) || source->size != t.stamp.size) {
    problem = t.path + ": changed since it was read";
    return false;
  }
  h.source = *source;
  Checksum sum(h);
  for (const auto& [data, size] : sections) sum.add(data, size);
  h.checksum = sum.value();

  const std::string temporary = fmt::format("{}.tmp.{}", cache, getpid());
  const File file(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL);
  if (file.fd() < 0) {
    problem = fmt::format("{}: {}", cache, std::strerror(errno));
    return false;
  }
  if (!write_sections(file.fd(), h, sections) || ::rename(temporary.c_str(), cache.c_str()) != 0) {
    problem = fmt::format("{}: {}", cache, std::strerror(errno));
    ::unlink(temporary.c_str());
    return false;
  }
  return true;
}

}  // namespace molgen3d::trace::cache
