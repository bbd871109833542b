#include "analysis/generated_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/error.h"
#include "base/json_count.h"
#include "files/byte_source.h"
#include "molecule/reader.h"
#include "text/tags.h"

namespace molgen3d {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string read_text(const std::string& path) {
  if (!fs::exists(path)) throw Error::format("{}: no such file", path);
  if (fs::is_directory(path)) throw Error::format("{}: is a directory", path);
  const std::unique_ptr<ByteSource> source = open_byte_source(path);
  std::string out;
  std::vector<char> buffer(size_t{1} << 18);
  while (const size_t count = source->read(buffer.data(), buffer.size()))
    out.append(buffer.data(), count);
  if (!source->error().empty()) throw Error::format("{}: {}", path, source->error());
  return out;
}

// Failures are counted by kind: numbers and quoted text are details.
std::string kind_of(const std::string& cause) {
  constexpr std::string_view kDecode = "decode_cartesian_v2 failed: ";
  if (cause.starts_with(kDecode)) return cause.substr(0, cause.find(':', kDecode.size()));
  std::string out;
  bool quoted = false;
  for (const char c : cause) {
    if (c == '"') {
      quoted = !quoted;
      if (quoted && out.ends_with(' ')) out.pop_back();
    } else if (!quoted && std::isdigit(static_cast<unsigned char>(c)) == 0) {
      out += c;
    } else if (!quoted && !out.ends_with('N')) {
      out += 'N';
    }
  }
  while (out.ends_with(' ') || out.ends_with(':')) out.pop_back();
  return out.empty() ? "no cause given" : out.substr(0, 80);
}

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
        sample.failure = kind_of(json["error"].get<std::string>());
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

GeneratedSet generated_set_of(const RunReport& report, const std::string& path) {
  GeneratedSet out;
  const RunMetadata& m = report.metadata;
  out.path = path;
  out.label = m.label.empty() ? stem_of(path) : m.label;
  out.refused = report.refused.size();
  if (report.times.total > 0) out.seconds = report.times.total;
  out.settings = fmt::format("model {}, rule {}, {}, seed {}, batch {}, {} on {}", m.model_path,
                             m.logit_processor_enabled ? m.processor_type : "none",
                             m.sampling_description.empty() ? m.sampling : m.sampling_description,
                             m.seed, m.batch_size, m.dtype, m.device);
  for (const SampleRecord& s : report.samples) {
    GeneratedSample sample;
    sample.smiles = s.prompt_smiles;
    sample.title = s.title;
    sample.source = s.source.empty() ? path : s.source;
    sample.run = RunFigures{s.passed(),         s.strict,   s.blocks, s.junk_letters,
                            s.junk_non_numeric, s.tokens(), s.passes};
    if (s.passed()) {
      const size_t answer = std::min(s.decoded_text.find(kSmilesEndTag), s.decoded_text.size());
      const auto block = conformer_of(std::string_view(s.decoded_text).substr(answer));
      if (block) sample.enriched = *block;
    } else {
      sample.failure = kind_of(s.issues.front());
    }
    if (sample.failure.empty() && sample.enriched.empty()) sample.failure = "no conformer";
    out.samples.push_back(std::move(sample));
  }
  return out;
}

GeneratedSet read_generated(const std::string& path) {
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
      read_json_lines(read_text(failed), failed, out);
      out.note =
          fmt::format("{} failed samples counted from {}", out.samples.size() - before, failed);
    }
    return labelled(std::move(out));
  }
  const std::string text = read_text(path);
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
  return labelled(generated_set_of(parse_run_report(text, path), path));
}

std::vector<std::string> generated_files(const std::string& path) {
  if (!fs::is_directory(path)) return {path};
  struct Run {
    bool constrained;
    std::string time, path;
  };
  std::vector<Run> runs;
  for (const auto& entry : fs::directory_iterator(path)) {
    const std::string name = entry.path().string();
    if (!without_packing(name).ends_with(".json")) continue;
    try {
      const RunReport report = parse_run_report(read_text(name), name);
      runs.push_back({report.metadata.logit_processor_enabled, report.metadata.timestamp, name});
    } catch (const Error&) {
      continue;  // the comparison that study writes beside its runs
    }
  }
  if (runs.empty()) throw Error::format("{}: a folder without run reports", path);
  std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) {
    return std::tie(a.constrained, a.time, a.path) < std::tie(b.constrained, b.time, b.path);
  });
  std::vector<std::string> out;
  for (Run& run : runs) out.push_back(std::move(run.path));
  return out;
}

}  // namespace molgen3d
