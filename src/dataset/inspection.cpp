#include "dataset/inspection.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "dataset/folder_writer.h"
#include "dataset/splits.h"

namespace molgen3d {

namespace {

namespace fs = std::filesystem;

/// A damaged disk gives thousands of the same.
constexpr size_t kMostProblems = 10;

std::optional<uint64_t> line_count(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::vector<char> buffer(size_t{1} << 18);
  uint64_t lines = 0;
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())), file.gcount() > 0) {
    lines +=
        static_cast<uint64_t>(std::count(buffer.begin(), buffer.begin() + file.gcount(), '\n'));
  }
  return lines;
}

}  // namespace

FileSummary inspect_file(const fs::path& path) {
  FileSummary summary;
  summary.path = path;
  std::optional<DatasetFile> file;
  try {
    file.emplace(path);
  } catch (const Error& error) {
    summary.problems.emplace_back(error.what());
    return summary;
  }
  summary.bytes = file->bytes();
  size_t damaged = 0;
  for (uint64_t i = 0; i < file->size(); ++i) {
    try {
      const DatasetRecord record = file->record(i);
      const auto conformers = static_cast<uint32_t>(record.conformers());
      const bool first = summary.molecules++ == 0;
      summary.conformers += conformers;
      summary.positions += uint64_t{conformers} * record.atoms;
      summary.min_atoms = first ? record.atoms : std::min(summary.min_atoms, record.atoms);
      summary.max_atoms = std::max(summary.max_atoms, record.atoms);
      summary.min_conformers = first ? conformers : std::min(summary.min_conformers, conformers);
      summary.max_conformers = std::max(summary.max_conformers, conformers);
      ++summary.molecules_by_force_field[static_cast<size_t>(record.force_field)];
    } catch (const Error& error) {
      if (++damaged <= kMostProblems) summary.problems.emplace_back(error.what());
    }
  }
  if (damaged > kMostProblems) {
    summary.problems.push_back(
        fmt::format("{}: {} damaged records in all", path.string(), damaged));
  }
  if (damaged == 0 &&
      (summary.conformers != file->conformers() || summary.positions != file->positions())) {
    summary.problems.push_back(fmt::format("{}: {} conformers, the footer says {}", path.string(),
                                           summary.conformers, file->conformers()));
  }
  const fs::path lines = fs::path(path).replace_extension(".jsonl");
  if (const auto count = line_count(lines); count && *count != file->conformers()) {
    summary.problems.push_back(fmt::format("{}: {} lines, {} has {} conformers", lines.string(),
                                           *count, path.filename().string(), file->conformers()));
  }
  return summary;
}

std::vector<fs::path> dataset_files(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  const fs::path description = path / kDescriptionFile;
  std::ifstream file(description);
  const auto json = nlohmann::ordered_json::parse(file, nullptr, false);
  if (!json.is_object() || !json.contains("splits") || !json["splits"].is_object()) {
    throw Error::format("{}: no finished data set ({} is {})", path.string(), kDescriptionFile,
                        fs::exists(description) ? "damaged" : "missing");
  }
  std::vector<fs::path> files;
  for (const auto& [name, counts] : json["splits"].items()) {
    if (!is_part_name(name)) {
      throw Error::format("{}: {} is no name of a split", description.string(), in_quotes(name));
    }
    files.push_back(path / (name + kDatasetEnding));
  }
  return files;
}

}  // namespace molgen3d
