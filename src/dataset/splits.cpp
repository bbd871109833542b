#include "dataset/splits.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/text_hash.h"

namespace molgen3d {

namespace {

/// Shares are typed with a few decimals; their sum is 1 but for binary rounding.
constexpr double kSumTolerance = 1e-9;

}  // namespace

bool is_part_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

Splits::Splits() : text_("all=1"), names_{"all"}, ends_{1} {}

Splits Splits::parse(const std::string& text) {
  Splits out;
  out.text_ = text;
  out.names_.clear();
  out.ends_.clear();
  double sum = 0;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    const size_t equals = std::min(part.find('='), part.size());
    const std::string name = part.substr(0, equals);
    double share = 0;
    const char* const first = part.data() + std::min(equals + 1, part.size());
    const char* const last = part.data() + part.size();
    const auto read = std::from_chars(first, last, share);
    if (!is_part_name(name) || read.ec != std::errc() || read.ptr != last || !(share > 0)) {
      throw Error::format("split {}: {} is not NAME=SHARE", in_quotes(text), in_quotes(part));
    }
    if (std::find(out.names_.begin(), out.names_.end(), name) != out.names_.end()) {
      throw Error::format("split {}: {} stands there twice", in_quotes(text), in_quotes(name));
    }
    if (name == "failed" || name == "skipped" || name == "dataset") {
      throw Error::format("split {}: {} names another file of the folder", in_quotes(text),
                          in_quotes(name));
    }
    sum += share;
    out.names_.push_back(name);
    out.ends_.push_back(sum);
    begin = end + 1;
  }
  if (std::abs(sum - 1) > kSumTolerance) {
    throw Error::format("split {}: the shares add up to {:g}, not 1", in_quotes(text), sum);
  }
  out.ends_.back() = 1;
  return out;
}

size_t Splits::part_of(std::string_view graph_key) const {
  const double place = static_cast<double>(text_hash(graph_key) >> 11) * 0x1.0p-53;
  size_t part = 0;
  while (place >= ends_[part]) ++part;
  return part;
}

}  // namespace molgen3d
