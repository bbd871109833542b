#include "study/samples_data.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

namespace molgen3d {

namespace {

using Json = nlohmann::json;

// Texts that repeat (issues, prompts) are sent once.
class Texts {
 public:
  size_t index(const std::string& text) {
    const auto [found, added] = index_.try_emplace(text, index_.size());
    if (added) texts_.push_back(text);
    return found->second;
  }
  const Json& list() const { return texts_; }

 private:
  std::map<std::string, size_t> index_;
  Json texts_ = Json::array();
};

Json rounded(double value) {
  if (!std::isfinite(value)) return {};
  return std::round(value * 1000) / 1000;
}

}  // namespace

std::string samples_data(const Comparison& comparison) {
  Texts prompts;
  Texts texts;
  Json samples = Json::array();
  Json labels = Json::array();
  Json references = Json::object();
  for (size_t r = 0; r < comparison.runs.size(); ++r) {
    labels.push_back(comparison.runs[r].label);
    for (const SampleRecord& s : comparison.runs[r].run->samples) {
      Json issues = Json::array();
      for (const std::string& issue : s.issues) issues.push_back(texts.index(issue));
      Json off = Json::array();
      for (const auto& bond : s.off_bonds)
        off.push_back({bond.first, bond.second, rounded(bond.length), rounded(bond.expected)});
      const int verdict = !s.passed() ? 0 : s.strict ? 3 : s.text_kept ? 2 : 1;
      samples.push_back({r, prompts.index(s.prompt_smiles), s.generation, verdict,
                         std::move(issues),
                         s.passed() && !s.strict_cause.empty()
                             ? static_cast<int64_t>(texts.index(s.strict_cause.substr(0, 160)))
                             : int64_t{-1},
                         std::max(s.junk_letters, s.junk_non_numeric), s.tokens(),
                         s.bonds_checked ? rounded(s.bond_error) : Json(), std::move(off),
                         !s.stereo_asked()         ? 0
                         : s.stereo->all_matched() ? 1
                                                   : 2,
                         s.answer()});
    }
    for (const auto& [smiles, points] : comparison.runs[r].run->references) {
      Json& list = references[smiles];
      if (!list.is_null()) continue;
      for (const Point3& p : points) list.push_back({rounded(p.x), rounded(p.y), rounded(p.z)});
    }
  }
  const Json data = {{"runs", labels},
                     {"prompts", prompts.list()},
                     {"texts", texts.list()},
                     {"samples", samples},
                     {"references", references}};
  return data.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace molgen3d
