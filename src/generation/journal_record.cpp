#include "generation/journal_record.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace molgen3d {

namespace {

// Impossible tokens have a log-probability of minus infinity, which JSON writes as null.
float audited_number(const nlohmann::json& value) {
  return value.is_number() ? value.get<float>() : -std::numeric_limits<float>::infinity();
}

}  // namespace

std::string journal_line(const Sample& sample) {
  const Completion& done = sample.completion;
  // Doubles are printed with as many digits as it takes to read the same value back.
  nlohmann::ordered_json line = {{"record", sample.prompt->index},
                                 {"sample", sample.index},
                                 {"smiles", sample.prompt->skeleton.smiles},
                                 {"reason", static_cast<int>(done.reason)},
                                 {"error", done.error},
                                 {"tokens", done.tokens},
                                 {"sampled", done.sampled_tokens},
                                 {"forced", done.forced_tokens},
                                 {"passes", done.passes},
                                 {"masked", done.masked_log_probability},
                                 {"raw", done.raw_log_probability},
                                 {"kept", done.log_kept_mass}};
  for (const Completion::AuditedToken& token : done.audit) {
    line["audit"].push_back({token.raw_log_probability, token.kept_mass, token.favourite,
                             token.favourite_log_probability});
  }
  return line.dump();
}

FinishedSamples::FinishedSamples(const std::vector<std::string>& lines) {
  for (const std::string& text : lines) {
    try {
      const auto line = nlohmann::json::parse(text);
      Entry entry;
      entry.smiles = line.at("smiles");
      Completion& done = entry.completion;
      done.sample = line.at("sample");
      done.reason = static_cast<FinishReason>(line.at("reason").get<int>());
      done.error = line.at("error");
      done.tokens = line.at("tokens").get<std::vector<TokenId>>();
      done.sampled_tokens = line.at("sampled");
      done.forced_tokens = line.at("forced");
      done.passes = line.at("passes");
      // JSON has no NaN; outside the audit mode these are null.
      const auto number = [&](const char* name) {
        return line.at(name).is_number() ? line.at(name).get<double>() : std::nan("");
      };
      done.masked_log_probability = number("masked");
      done.raw_log_probability = number("raw");
      done.log_kept_mass = number("kept");
      if (const auto audit = line.find("audit"); audit != line.end()) {
        for (const auto& token : *audit) {
          done.audit.push_back({audited_number(token.at(0)), audited_number(token.at(1)),
                                token.at(2).get<TokenId>(), audited_number(token.at(3))});
        }
      }
      const uint64_t record = line.at("record");
      const uint32_t sample = done.sample;
      entries_[{record, sample}] = std::move(entry);
    } catch (const nlohmann::json::exception&) {
      continue;
    }
  }
}

std::optional<Completion> FinishedSamples::find(const Prompt& prompt, uint32_t sample) const {
  const auto found = entries_.find({prompt.index, sample});
  if (found == entries_.end() || found->second.smiles != prompt.skeleton.smiles)
    return std::nullopt;
  return found->second.completion;
}

}  // namespace molgen3d
