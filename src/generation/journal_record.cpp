#include "generation/journal_record.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_count.h"
#include "geometry/outcome_counts.h"

namespace molgen3d {

namespace {

// Impossible tokens have a log-probability of minus infinity, which JSON writes as null.
float audited_number(const nlohmann::json& value) {
  return value.is_number() ? value.get<float>() : -std::numeric_limits<float>::infinity();
}

nlohmann::ordered_json geometry_json(const geometry::Outcome& outcome) {
  nlohmann::ordered_json json = {{"satisfied", outcome.satisfied}};
  for (const auto& [name, member] : geometry::kOutcomeCounts) json[name] = outcome.*member;
  json["kept"] = outcome.log_kept;
  json["fault"] = static_cast<int>(outcome.fault);
  json["atom"] = outcome.fault_atom + 1;
  return json;
}

geometry::Outcome geometry_of(const nlohmann::json& line) {
  const auto count = [&](const char* name) { return json_count<int32_t>(line.at(name)); };
  geometry::Outcome out;
  out.checked = true;
  out.satisfied = line.at("satisfied");
  for (const auto& [name, member] : geometry::kOutcomeCounts) out.*member = count(name);
  out.log_kept = line.at("kept");
  out.fault = static_cast<geometry::Fault>(count("fault"));
  if (out.fault > geometry::Fault::kDeadEnd) throw Error("a fault of no kind");
  out.fault_atom = count("atom") - 1;
  return out;
}

/// Throws Error or nlohmann's exceptions for a member that is missing or of another kind.
Completion completion_of(const nlohmann::json& line) {
  Completion done;
  done.sample = json_count<uint32_t>(line.at("sample"));
  done.reason = static_cast<FinishReason>(json_count<uint8_t>(line.at("reason")));
  done.error = line.at("error");
  for (const auto& id : line.at("tokens")) done.tokens.push_back(json_count<TokenId>(id));
  done.sampled_tokens = json_count<uint32_t>(line.at("sampled"));
  done.forced_tokens = json_count<uint32_t>(line.at("forced"));
  done.passes = json_count<uint32_t>(line.at("passes"));
  // JSON has no NaN; outside the audit mode these are null.
  const auto number = [&](const char* name) {
    return line.at(name).is_number() ? line.at(name).get<double>() : std::nan("");
  };
  done.masked_log_probability = number("masked");
  done.raw_log_probability = number("raw");
  done.log_kept_mass = number("kept");
  if (const auto found = line.find("geometry"); found != line.end())
    done.geometry = geometry_of(*found);
  if (const auto audit = line.find("audit"); audit != line.end()) {
    for (const auto& token : *audit) {
      done.audit.push_back({audited_number(token.at(0)), audited_number(token.at(1)),
                            json_count<TokenId>(token.at(2)), audited_number(token.at(3))});
    }
  }
  if (const auto kept = line.find("kept_by_atom"); kept != line.end())
    done.log_kept_by_atom = kept->get<std::vector<double>>();
  return done;
}

/// Whether a run within `bounds` can have given this. Cancelled samples are not finished.
bool within(const Completion& done, const SampleBounds& bounds) {
  const auto known = [&](TokenId id) { return id < bounds.vocabulary; };
  const bool ids_known =
      std::all_of(done.tokens.begin(), done.tokens.end(), known) &&
      std::all_of(done.audit.begin(), done.audit.end(),
                  [&](const Completion::AuditedToken& token) { return known(token.favourite); });
  if (done.sample >= bounds.samples || !ids_known) return false;
  if (done.reason == FinishReason::kFailed) return !done.error.empty();
  if (done.reason != FinishReason::kEndOfSequence && done.reason != FinishReason::kLength)
    return false;
  return (done.reason == FinishReason::kLength || !done.tokens.empty()) && done.error.empty() &&
         uint64_t{done.sampled_tokens} + done.forced_tokens == done.tokens.size() &&
         done.audit.size() == (bounds.audit ? done.tokens.size() : 0);
}

}  // namespace

std::string journal_line(const Sample& sample) {
  const Completion& done = sample.completion;
  // Doubles are printed with as many digits as it takes to read the same value back.
  nlohmann::ordered_json line = {{"record", sample.prompt->index},
                                 {"sample", sample.index},
                                 {"smiles", sample.prompt->text_template.smiles},
                                 {"reason", static_cast<int>(done.reason)},
                                 {"error", done.error},
                                 {"tokens", done.tokens},
                                 {"sampled", done.sampled_tokens},
                                 {"forced", done.forced_tokens},
                                 {"passes", done.passes},
                                 {"masked", done.masked_log_probability},
                                 {"raw", done.raw_log_probability},
                                 {"kept", done.log_kept_mass}};
  if (done.geometry.checked) line["geometry"] = geometry_json(done.geometry);
  for (const Completion::AuditedToken& token : done.audit) {
    line["audit"].push_back({token.raw_log_probability, token.kept_mass, token.favourite,
                             token.favourite_log_probability});
  }
  if (!done.log_kept_by_atom.empty()) line["kept_by_atom"] = done.log_kept_by_atom;
  return line.dump();
}

SampleBounds sample_bounds(const Model& model, uint32_t samples, bool audit) {
  return {samples, static_cast<TokenId>(model.checkpoint->config().vocabulary), audit};
}

FinishedSamples::FinishedSamples(const std::vector<std::string>& lines, const SampleBounds& bounds,
                                 std::string place)
    : place_(std::move(place)) {
  for (const std::string& text : lines) {
    try {
      const auto line = nlohmann::json::parse(text);
      Entry entry{line.at("smiles"), completion_of(line)};
      if (!within(entry.completion, bounds)) continue;
      const uint64_t record = json_count(line.at("record"));
      const uint32_t sample = entry.completion.sample;
      entries_[{record, sample}] = std::move(entry);
    } catch (const nlohmann::json::exception&) {
      continue;
    } catch (const Error&) {
      continue;
    }
  }
}

std::optional<Completion> FinishedSamples::find(const Prompt& prompt, uint32_t sample) const {
  const auto found = entries_.find({prompt.index, sample});
  if (found == entries_.end()) return std::nullopt;
  if (found->second.smiles != prompt.text_template.smiles) {
    throw Error::format("{}: cannot resume: record {} of the input was {}, now {}", place_,
                        prompt.index + 1, in_quotes(found->second.smiles),
                        in_quotes(prompt.text_template.smiles));
  }
  return found->second.completion;
}

void FinishedSamples::require_within(uint64_t records) const {
  if (entries_.empty() || entries_.rbegin()->first.first < records) return;
  throw Error::format("{}: cannot resume: the input had a record {}, now it has {} records", place_,
                      entries_.rbegin()->first.first + 1, records);
}

}  // namespace molgen3d
