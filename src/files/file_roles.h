// Which files a command reads and which it writes, checked before any of them is opened.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace molgen3d {

/// True when `path` (empty or `-`) means standard output.
bool means_standard_output(const std::string& path);

/// True when writing to `path` makes or replaces an ordinary file: the name is free or that of a
/// regular file, and stands neither under /dev nor under /proc. Only such outputs can be resumed or
/// put in place at the end.
bool makes_a_file(const std::string& path);

/// Where a name leads, links followed, whether or not something is there.
std::filesystem::path link_target(const std::string& path);

/// The path without a last `.gz`, which every writer honours. Throws Error for the ending of
/// another compression (.xz, .bz2, .zst, .zip, ...), which none does.
std::string without_gzip(const std::string& path);

/// The ending of the name, `.gz` aside, with its dot; empty when it has none. Throws as above.
std::string output_ending(const std::string& path);

/// Collects the files of one command. Two names are one file when device and inode are the same,
/// through links too; a name that is still free is known by its folder.
class FileRoles {
 public:
  /// A file, a folder (all files in it), `-`, or text that names no file (ignored).
  void reads(const std::string& input);
  void reads(const std::vector<std::string>& inputs);
  /// `option` stands in messages: `--output`. An empty path is ignored; `-` is standard output.
  void writes(const std::string& path, const std::string& option);

  /// Throws Error when an output is an input, when two outputs are one file, or when one cannot be
  /// created: a directory, in no folder, in a compression that cannot be written.
  void check() const;

 private:
  struct Input {
    std::string name;
    std::string identity;
  };
  struct Output {
    std::string name;
    std::string option;
  };
  std::vector<Input> inputs_;
  std::vector<Output> outputs_;
};

}  // namespace molgen3d
