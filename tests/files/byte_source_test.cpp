#include "files/byte_source.h"

#include <fcntl.h>
#include <lzma.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "base/error.h"
#include "files/test_folder.h"

namespace molgen3d {
namespace {

std::string all_of(const std::string& path) {
  const auto source = open_byte_source(path);
  std::string text;
  char buffer[100];
  while (const size_t count = source->read(buffer, sizeof buffer)) text.append(buffer, count);
  EXPECT_EQ(source->error(), "");
  return text;
}

std::string packed_xz(const std::string& text) {
  std::string packed(lzma_stream_buffer_bound(text.size()), '\0');
  size_t size = 0;
  EXPECT_EQ(lzma_easy_buffer_encode(
                1, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const uint8_t*>(text.data()),
                text.size(), reinterpret_cast<uint8_t*>(packed.data()), &size, packed.size()),
            LZMA_OK);
  packed.resize(size);
  return packed;
}

class Pipes : public FolderTest {
 protected:
  // Through a FIFO, in pieces of `piece` bytes.
  std::string through_pipe(const std::string& bytes, size_t piece) {
    std::filesystem::remove(path("pipe"));
    ::mkfifo(path("pipe").c_str(), 0600);
    std::thread writer([&] {
      const int pipe = ::open(path("pipe").c_str(), O_WRONLY);
      for (size_t at = 0; at < bytes.size(); at += piece) {
        const std::string part = bytes.substr(at, piece);
        EXPECT_EQ(::write(pipe, part.data(), part.size()), static_cast<ssize_t>(part.size()));
      }
      ::close(pipe);
    });
    const std::string text = all_of(path("pipe"));
    writer.join();
    return text;
  }
};

TEST_F(Pipes, AreToldApartByTheirFirstBytes) {
  const std::string text = "CCO\nCCN\nCCC\n";
  for (const size_t piece : {size_t{1}, size_t{3}, size_t{1000}}) {
    EXPECT_EQ(through_pipe(packed_xz(text), piece), text);
    EXPECT_EQ(through_pipe(text, piece), text);
    EXPECT_EQ(through_pipe("BC", piece), "BC");
    EXPECT_EQ(through_pipe("", piece), "");
  }
}

}  // namespace
}  // namespace molgen3d
