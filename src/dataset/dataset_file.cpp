#include "dataset/dataset_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>

#include "base/error.h"

namespace molgen3d {

namespace {

static_assert(std::endian::native == std::endian::little, "data sets are little-endian");

constexpr char kMagic[8] = {'M', 'O', 'L', '3', 'D', 'S', 'E', 'T'};
constexpr char kEndMagic[8] = {'3', 'D', 'S', 'E', 'T', 'E', 'N', 'D'};
constexpr uint32_t kVersion = 1;
/// Larger sizes in a file are damage, not data.
constexpr uint32_t kLargestBody = uint32_t{1} << 30;

struct FileHeader {
  char magic[8];
  uint32_t version;
  uint32_t reserved;
};
struct RecordHeader {
  uint32_t size;  ///< of the body
  uint32_t crc;   ///< CRC-32 of the body
};
struct BodyHeader {
  uint64_t source;
  uint32_t conformers;
  uint16_t atoms;
  uint8_t force_field;
  uint8_t reserved;
  uint32_t smiles_size;
  uint32_t title_size;
};
struct Footer {
  uint64_t index_offset;
  uint64_t records;
  uint64_t conformers;
  uint64_t positions;
  uint32_t index_crc;
  uint32_t footer_crc;  ///< of the fields above
  char magic[8];
};
static_assert(sizeof(FileHeader) == 16 && sizeof(RecordHeader) == 8 && sizeof(BodyHeader) == 24 &&
              sizeof(Footer) == 48);

uint32_t crc_of(const void* data, size_t size) {
  return static_cast<uint32_t>(crc32_z(0, static_cast<const Bytef*>(data), size));
}

template <typename T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

size_t padding(size_t size) {
  return (4 - size % 4) % 4;
}

[[noreturn]] void damaged(const std::filesystem::path& path, const std::string& what) {
  throw Error::format("{}: {}", path.string(), what);
}

/// `size` bytes at `offset`; false when the file ends before.
bool read_at(int descriptor, uint64_t offset, void* data, size_t size) {
  auto* to = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t count = ::pread(descriptor, to, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    to += count;
    offset += static_cast<uint64_t>(count);
    size -= static_cast<size_t>(count);
  }
  return true;
}

std::string body_at(int descriptor, const std::filesystem::path& path, uint64_t offset,
                    uint64_t end, uint64_t number) {
  RecordHeader header;
  std::string body;
  const bool sized = offset + sizeof header <= end &&
                     read_at(descriptor, offset, &header, sizeof header) &&
                     header.size <= kLargestBody && offset + sizeof header + header.size <= end;
  if (sized) {
    body.resize(header.size);
    if (read_at(descriptor, offset + sizeof header, body.data(), body.size()) &&
        crc_of(body.data(), body.size()) == header.crc) {
      return body;
    }
  }
  damaged(path, fmt::format("record {} (byte {}) is damaged", number, offset));
}

}  // namespace

std::string pack_record(const DatasetRecord& record) {
  if (record.units.size() != 3 * size_t{record.atoms} * record.conformers() ||
      record.atoms > std::numeric_limits<uint16_t>::max()) {
    throw Error::format("molecule {}: {} numbers for {} conformers of {} atoms",
                        in_quotes(record.smiles), record.units.size(), record.conformers(),
                        record.atoms);
  }
  BodyHeader header{};
  header.source = record.source;
  header.conformers = static_cast<uint32_t>(record.conformers());
  header.atoms = static_cast<uint16_t>(record.atoms);
  header.force_field = static_cast<uint8_t>(record.force_field);
  header.smiles_size = static_cast<uint32_t>(record.smiles.size());
  header.title_size = static_cast<uint32_t>(record.title.size());
  std::string body(bytes_of(header));
  body += record.smiles;
  body += record.title;
  body.append(padding(body.size()), '\0');
  body.append(reinterpret_cast<const char*>(record.units.data()), record.units.size() * 4);
  body.append(reinterpret_cast<const char*>(record.energies.data()), record.energies.size() * 8);
  return body;
}

DatasetRecord unpack_record(std::string_view body) {
  BodyHeader header;
  if (body.size() < sizeof header) throw Error("a record without its header");
  std::memcpy(&header, body.data(), sizeof header);
  const uint64_t texts = uint64_t{header.smiles_size} + header.title_size;
  const uint64_t numbers = uint64_t{3} * header.atoms * header.conformers;
  const uint64_t start = sizeof header + texts + padding(sizeof header + texts);
  if (header.smiles_size == 0 || header.atoms == 0 || header.conformers == 0 ||
      header.force_field > 3 ||
      start + 4 * numbers + 8 * uint64_t{header.conformers} != body.size()) {
    throw Error("a record whose sizes do not add up");
  }
  DatasetRecord record;
  record.source = header.source;
  record.atoms = header.atoms;
  record.force_field = static_cast<ForceFieldKind>(header.force_field);
  record.smiles = body.substr(sizeof header, header.smiles_size);
  record.title = body.substr(sizeof header + header.smiles_size, header.title_size);
  record.units.resize(numbers);
  record.energies.resize(header.conformers);
  std::memcpy(record.units.data(), body.data() + start, 4 * numbers);
  std::memcpy(record.energies.data(), body.data() + start + 4 * numbers,
              8 * size_t{header.conformers});
  return record;
}

DatasetWriter::DatasetWriter(const std::filesystem::path& path) : file_(path) {
  FileHeader header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kVersion;
  file_.put(bytes_of(header));
}

DatasetWriter::DatasetWriter(const std::filesystem::path& path, uint64_t size) : file_(path, size) {
  const ReadDescriptor file(path);
  FileHeader header{};
  if (!read_at(file.value(), 0, &header, sizeof header) ||
      std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 || header.version != kVersion) {
    damaged(path, "cannot resume: not an unfinished data set of this version");
  }
  for (uint64_t at = sizeof header; at < size;) {
    const std::string body = body_at(file.value(), path, at, size, records());
    count(body);
    offsets_.push_back(at);
    at += sizeof(RecordHeader) + body.size();
  }
}

void DatasetWriter::count(std::string_view body) {
  BodyHeader header;
  std::memcpy(&header, body.data(), sizeof header);
  conformers_ += header.conformers;
  positions_ += uint64_t{header.conformers} * header.atoms;
}

void DatasetWriter::append(std::string_view body) {
  if (body.size() > kLargestBody) damaged(file_.path(), "a record is larger than 1 GiB");
  const RecordHeader header{static_cast<uint32_t>(body.size()), crc_of(body.data(), body.size())};
  count(body);
  offsets_.push_back(size());
  file_.put(bytes_of(header));
  file_.put(body);
}

void DatasetWriter::for_each(const std::function<void(const DatasetRecord&)>& body) const {
  const ReadDescriptor file(file_.path());
  for (size_t i = 0; i < offsets_.size(); ++i) {
    body(unpack_record(body_at(file.value(), file_.path(), offsets_[i], file_.size(), i)));
  }
}

void DatasetWriter::finish() {
  Footer footer{};
  footer.index_offset = size();
  footer.records = offsets_.size();
  footer.conformers = conformers_;
  footer.positions = positions_;
  footer.index_crc = crc_of(offsets_.data(), offsets_.size() * 8);
  footer.footer_crc = crc_of(&footer, offsetof(Footer, footer_crc));
  std::memcpy(footer.magic, kEndMagic, sizeof kEndMagic);
  file_.put({reinterpret_cast<const char*>(offsets_.data()), offsets_.size() * 8});
  file_.put(bytes_of(footer));
  sync();
}

ReadDescriptor::ReadDescriptor(const std::filesystem::path& path)
    : value_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (value_ < 0) damaged(path, fmt::format("cannot be opened: {}", std::strerror(errno)));
}

ReadDescriptor::~ReadDescriptor() {
  ::close(value_);
}

DatasetFile::DatasetFile(const std::filesystem::path& path) : path_(path), descriptor_(path) {
  struct stat info {};
  if (::fstat(descriptor_.value(), &info) != 0) {
    damaged(path_, fmt::format("cannot be read: {}", std::strerror(errno)));
  }
  bytes_ = static_cast<uint64_t>(info.st_size);
  FileHeader header{};
  if (!read_at(descriptor_.value(), 0, &header, sizeof header) ||
      std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) {
    damaged(path_, "not a molgen3d data set");
  }
  if (header.version != kVersion) {
    damaged(path_, fmt::format("data set of version {}; this program reads version {}",
                               header.version, kVersion));
  }
  Footer footer{};
  if (bytes_ < sizeof header + sizeof footer ||
      !read_at(descriptor_.value(), bytes_ - sizeof footer, &footer, sizeof footer) ||
      std::memcmp(footer.magic, kEndMagic, sizeof kEndMagic) != 0) {
    damaged(path_, "unfinished or cut off: the footer is missing");
  }
  if (crc_of(&footer, offsetof(Footer, footer_crc)) != footer.footer_crc ||
      footer.index_offset > bytes_ || footer.records > (bytes_ - footer.index_offset) / 8 ||
      footer.index_offset + 8 * footer.records + sizeof footer != bytes_) {
    damaged(path_, "the footer is damaged");
  }
  offsets_.resize(footer.records);
  if (!read_at(descriptor_.value(), footer.index_offset, offsets_.data(), 8 * footer.records) ||
      crc_of(offsets_.data(), 8 * offsets_.size()) != footer.index_crc) {
    damaged(path_, "the index is damaged");
  }
  end_ = footer.index_offset;
  conformers_ = footer.conformers;
  positions_ = footer.positions;
}

DatasetRecord DatasetFile::record(uint64_t index) const {
  if (index >= offsets_.size()) {
    damaged(path_, fmt::format("no record {}, there are {}", index, offsets_.size()));
  }
  const std::string body = body_at(descriptor_.value(), path_, offsets_[index], end_, index);
  try {
    return unpack_record(body);
  } catch (const Error& error) {
    damaged(path_, fmt::format("record {}: {}", index, error.what()));
  }
}

}  // namespace molgen3d
