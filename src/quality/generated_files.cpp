#include "quality/generated_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/error.h"
#include "base/json_count.h"
#include "files/byte_source.h"
#include "molecule/reader.h"

namespace molgen3d {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string stem_of(const std::string& path) {
  return fs::path(without_packing(path)).stem().string();
}

GeneratedSet read_sdf(const std::string& path) {
  GeneratedSet out;
  ReaderOptions options;
  options.format = RecordFormat::kSdf;
  RecordReader reader(path, options);
  InputRecord record;
  while (reader.next(record)) {
    GeneratedSample sample;
    sample.title = record.title;
    sample.source = fmt::format("{}:{}", path, record.line);
    sample.smiles = record_property(record, "SMILES");
    if (record.ok()) {
      sample.mol_block = std::move(record.mol_block);
    } else {
      sample.failure = "record cannot be read";
    }
    out.samples.push_back(std::move(sample));
  }
  return out;
}

void read_json_lines(const std::string& text, const std::string& path, GeneratedSet& out) {
  const size_t first = out.samples.size();
  std::unordered_map<long, std::string> smiles_of;  // by record: a failed sample may not name it
  std::vector<long> records;
  size_t line_number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    ++line_number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    try {
      const Json json = Json::parse(line);
      GeneratedSample sample;
      sample.source = fmt::format("{}:{}", path, line_number);
      sample.title = json.value("title", "");
      sample.smiles = json.value("smiles", json.value("input", ""));
      const long record = json.contains("record") ? json_count<long>(json["record"]) : -1;
      if (json.contains("error")) {
        sample.failure = failure_kind(json["error"].get<std::string>());
      } else {
        sample.enriched = json.at("enriched").get<std::string>();
        if (record >= 0) smiles_of[record] = sample.smiles;
      }
      records.push_back(record);
      out.samples.push_back(std::move(sample));
    } catch (const std::exception& error) {  // of the JSON library, or NotACount
      throw Error::format("{}:{}: {}: not a line of generate: {}", path, line_number,
                          in_quotes(line), error.what());
    }
  }
  for (size_t i = first; i < out.samples.size(); ++i) {
    const auto found = smiles_of.find(records[i - first]);
    if (found != smiles_of.end()) out.samples[i].smiles = found->second;
  }
}

}  // namespace

GeneratedSet read_generated(const std::string& path, const RunReportReader& read_report) {
  const auto labelled = [&](GeneratedSet set) {
    if (set.label.empty()) set.label = path == "-" ? "standard input" : stem_of(path);
    set.path = path;
    return set;
  };
  const std::string plain = without_packing(path);
  if (path == "-" || plain.ends_with(".sdf") || plain.ends_with(".sd") || plain.ends_with(".mol")) {
    GeneratedSet out = read_sdf(path);
    const std::string failed = path + ".failed.jsonl";
    if (path != "-" && fs::exists(failed)) {
      const size_t before = out.samples.size();
      read_json_lines(read_whole(failed), failed, out);
      out.note =
          fmt::format("{} failed samples counted from {}", out.samples.size() - before, failed);
    }
    return labelled(std::move(out));
  }
  const std::string text = read_whole(path);
  // A report is one object over many lines; a line of JSON lines is an object itself.
  const size_t first = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  if (first == text.size()) throw Error::format("{}: empty", path);
  if (text[first] != '{')
    throw Error::format("{}: {}: neither SDF nor JSON", path, in_quotes(text.substr(first, 40)));
  const std::string_view first_line =
      std::string_view(text).substr(first, text.find('\n', first) - first);
  if (Json::accept(first_line) && !Json::parse(first_line).contains("passes")) {
    GeneratedSet out;
    read_json_lines(text, path, out);
    return labelled(std::move(out));
  }
  if (!read_report) throw Error::format("{}: JSON, but not lines of generate", path);
  return labelled(read_report(text, path));
}

}  // namespace molgen3d
