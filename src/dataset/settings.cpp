#include "dataset/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

namespace molgen3d {

namespace {

const char* yes_no(bool value) {
  return value ? "yes" : "no";
}

template <typename Enum, size_t N>
std::string name_in(const std::array<const char*, N>& names, Enum value) {
  return names[static_cast<size_t>(value)];
}

}  // namespace

std::vector<std::pair<std::string, std::string>> described(const DatasetSettings& settings) {
  const EmbedSettings& embed = settings.embed;
  static constexpr std::array kMissing = {"uff", "keep", "fail"};
  return {
      {"coordinates", settings.given_coordinates ? "given" : "ETKDGv3"},
      {"conformers", std::to_string(embed.conformers)},
      {"attempts", std::to_string(embed.max_attempts)},
      {"retry_from_random_coordinates", yes_no(embed.retry_from_random)},
      {"prune_rmsd_angstrom", fmt::format("{:g}", embed.prune_rmsd)},
      {"force_field", force_field_name(embed.force_field)},
      {"force_field_steps", std::to_string(embed.max_steps)},
      {"missing_parameters", name_in(kMissing, embed.missing)},
      {"frame", frame_name(settings.frame)},
      {"numbers", zeros_name(settings.numbers.zeros)},
      {"integer_digits", std::to_string(settings.numbers.max_integer_digits)},
      {"descriptors", descriptor_style_name(settings.descriptors)},
      {"seed", std::to_string(settings.seed)},
      {"min_atoms", std::to_string(settings.min_atoms)},
      {"max_atoms", std::to_string(settings.max_atoms)},
      {"elements",
       settings.elements.empty() ? "any" : fmt::format("{}", fmt::join(settings.elements, ","))},
      {"several_parts", yes_no(settings.several_parts)},
      {"keep_duplicates", yes_no(settings.keep_duplicates)},
      {"exclude_scaffolds", yes_no(settings.exclude_scaffolds)},
      {"split", settings.splits.text()},
      {"timeout_seconds", fmt::format("{:g}", static_cast<double>(settings.timeout.count()) / 1e3)},
      {"text", yes_no(settings.write_text)},
      {"tsv", yes_no(settings.write_tsv)},
      {"sdf", yes_no(settings.write_sdf)},
  };
}

}  // namespace molgen3d
