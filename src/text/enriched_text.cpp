#include "text/enriched_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/error.h"
#include "text/characters.h"

namespace molgen3d {

namespace {

constexpr auto kNone = std::string_view::npos;

std::string_view stripped(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// One piece of enriched text: an atom with its block, or a bond, ring number, branch or dot.
struct Piece {
  size_t length = 0;       ///< 0: nothing starts here
  std::string_view atom;   ///< with brackets; empty for the other kinds
  std::string_view block;  ///< between `<` and `>`
};

Piece piece_at(std::string_view text, size_t position) {
  const std::string_view rest = text.substr(position);
  const char c = rest.front();
  if (c == '[') {
    const size_t close = rest.find(']', 1);
    if (close == kNone || close == 1 || close + 1 >= rest.size() || rest[close + 1] != '<')
      return {};
    const size_t end = rest.find('>', close + 2);
    if (end == kNone || end == close + 2) return {};
    return {end + 1, rest.substr(0, close + 1), rest.substr(close + 2, end - close - 2)};
  }
  if (c == '%') {
    size_t end = 1;
    while (end < rest.size() && is_digit(rest[end])) ++end;
    return {end >= 3 ? end : 0, {}, {}};
  }
  if (is_digit(c) || std::string_view("=#:/\\-().").find(c) != kNone) return {1, {}, {}};
  return {};
}

/// Length of the decimal number at the start of `text`, sign, bare dots and exponent allowed.
size_t loose_number_length(std::string_view text) {
  size_t i = 0;
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
  const size_t integer = i;
  while (i < text.size() && is_digit(text[i])) ++i;
  const bool has_integer = i > integer;
  if (i < text.size() && text[i] == '.') {
    size_t fraction = i + 1;
    while (fraction < text.size() && is_digit(text[fraction])) ++fraction;
    if (has_integer || fraction > i + 1) i = fraction;
  }
  if (!has_integer && i == integer) return 0;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    size_t exponent = i + 1;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) ++exponent;
    if (exponent < text.size() && is_digit(text[exponent])) {
      while (exponent < text.size() && is_digit(text[exponent])) ++exponent;
      i = exponent;
    }
  }
  return i;
}

double to_double(std::string_view number) {
  if (number.starts_with('+')) number.remove_prefix(1);
  double value = 0;
  const auto result = std::from_chars(number.data(), number.data() + number.size(), value);
  // from_chars leaves `value` alone when it overflows or underflows; strtod gives infinity or zero.
  if (result.ec != std::errc()) value = std::strtod(std::string(number).c_str(), nullptr);
  return value;
}

/// The last number in `field`, as the study's decoder takes it.
std::optional<double> last_number(std::string_view field) {
  std::string_view last;
  for (size_t i = 0; i < field.size();) {
    const size_t length = loose_number_length(field.substr(i));
    if (length > 0) last = field.substr(i, length);
    i += std::max<size_t>(length, 1);
  }
  if (last.empty()) return std::nullopt;
  return to_double(last);
}

/// Three comma-separated fields; false when there are more or fewer.
bool split_triplet(std::string_view block, std::string_view (&fields)[3]) {
  const size_t first = block.find(',');
  if (first == kNone) return false;
  const size_t second = block.find(',', first + 1);
  if (second == kNone || block.find(',', second + 1) != kNone) return false;
  fields[0] = block.substr(0, first);
  fields[1] = block.substr(first + 1, second - first - 1);
  fields[2] = block.substr(second + 1);
  return true;
}

/// Empty when `block` could be read, else the error.
std::string read_block(std::string_view block, DecodeLevel level, const NumberFormat& format,
                       Point3& point) {
  std::string_view fields[3];
  if (!split_triplet(block, fields)) return fmt::format("Bad coord triplet: {}", block);
  double* const values[3] = {&point.x, &point.y, &point.z};
  for (int i = 0; i < 3; ++i) {
    if (level == DecodeLevel::kStrict) {
      const std::string_view field = fields[i];
      if (!is_coordinate(field.data(), field.data() + field.size(), format)) {
        return fmt::format("Bad float token: {}", field);
      }
      *values[i] = to_double(field);
    } else {
      const std::optional<double> number = last_number(stripped(fields[i]));
      if (!number) return fmt::format("Bad float token: {}", stripped(fields[i]));
      *values[i] = *number;
    }
  }
  return {};
}

/// The error of a text that no piece continues at `position`.
std::string unread(std::string_view text, size_t position) {
  size_t next = position + 1;
  while (next < text.size() && piece_at(text, next).length == 0) ++next;
  if (next >= text.size()) {
    return fmt::format("Unparsed trailing enriched fragment: {} in {}", text.substr(position),
                       text);
  }
  return fmt::format("Unrecognized enriched fragment: {} in {}",
                     text.substr(position, next - position), text);
}

}  // namespace

std::string fill_template(const Template& text_template, const Coordinates& text_order,
                          const NumberFormat& format) {
  if (text_order.size() + 1 != text_template.literals.size()) {
    throw Error::format("{} coordinates for a skeleton of {} atoms", text_order.size(),
                        text_template.atom_count());
  }
  std::string text;
  for (size_t i = 0; i < text_order.size(); ++i) {
    text += text_template.literals[i];
    text += format_coordinate(text_order[i].x, format);
    text += ',';
    text += format_coordinate(text_order[i].y, format);
    text += ',';
    text += format_coordinate(text_order[i].z, format);
  }
  return text + text_template.literals.back();
}

std::string fill_template(const Template& text_template, const std::vector<int32_t>& units,
                          const NumberFormat& format) {
  const size_t atoms = text_template.atom_count();
  if (units.size() != 3 * atoms) {
    throw Error::format("{} coordinates for a skeleton of {} atoms", units.size() / 3, atoms);
  }
  std::string text;
  for (size_t i = 0; i < atoms; ++i) {
    text += text_template.literals[i];
    text += format_units(units[3 * i], format);
    text += ',';
    text += format_units(units[3 * i + 1], format);
    text += ',';
    text += format_units(units[3 * i + 2], format);
  }
  return text + text_template.literals.back();
}

SplitText split_enriched(std::string_view text, DecodeLevel level, const NumberFormat& format) {
  SplitText out;
  for (size_t position = 0; position < text.size();) {
    const Piece piece = piece_at(text, position);
    if (piece.length == 0) {
      out.error = unread(text, position);
      return out;
    }
    if (piece.atom.empty()) {
      out.smiles += text.substr(position, piece.length);
    } else {
      Point3 point;
      out.error = read_block(piece.block, level, format, point);
      if (!out.error.empty()) return out;
      out.coordinates.push_back(point);
      const std::string_view symbol = piece.atom.substr(1, piece.atom.size() - 2);
      out.smiles += is_organic_subset(symbol) ? symbol : piece.atom;
    }
    position += piece.length;
  }
  return out;
}

std::optional<Coordinates> match_template(std::string_view text, const Template& text_template,
                                          const NumberFormat& format, std::string* cause) {
  const auto fail = [&](size_t position, std::string_view expected) -> std::optional<Coordinates> {
    if (cause) {
      *cause = fmt::format("at character {}: expected {}, found {}", position + 1, expected,
                           in_quotes(text.substr(std::min(position, text.size())), 24));
    }
    return std::nullopt;
  };
  Coordinates coordinates;
  coordinates.reserve(text_template.atom_count());
  size_t position = 0;
  for (size_t i = 0; i < text_template.literals.size(); ++i) {
    const std::string& literal = text_template.literals[i];
    if (!text.substr(position).starts_with(literal)) return fail(position, in_quotes(literal));
    position += literal.size();
    if (i + 1 == text_template.literals.size()) break;
    const size_t close = std::min(text.find('>', position), text.size());
    std::string_view fields[3];
    if (!split_triplet(text.substr(position, close - position), fields)) {
      return fail(position, "three numbers");
    }
    double values[3];
    for (int axis = 0; axis < 3; ++axis) {
      const std::string_view field = fields[axis];
      if (!is_coordinate(field.data(), field.data() + field.size(), format)) {
        return fail(static_cast<size_t>(field.data() - text.data()), "a number");
      }
      values[axis] = to_double(field);
    }
    coordinates.push_back({values[0], values[1], values[2]});
    position = close;
  }
  if (position != text.size()) return fail(position, "the end");
  return coordinates;
}

bool keeps_literals(std::string_view text, const Template& text_template) {
  size_t at = 0;
  for (size_t i = 0; i < text_template.literals.size(); ++i) {
    const std::string& literal = text_template.literals[i];
    if (text.substr(at, literal.size()) != literal) return false;
    at += literal.size();
    if (i + 1 == text_template.literals.size()) break;
    at = text.find('>', at);
    if (at == kNone) return false;
  }
  return at == text.size();
}

std::string strip_smiles(std::string_view enriched) {
  std::string plain;
  plain.reserve(enriched.size());
  for (size_t i = 0; i < enriched.size(); ++i) {
    if (is_space(enriched[i])) continue;
    if (enriched[i] == '<') {
      const size_t close = enriched.find('>', i);
      if (close != kNone) {
        i = close;
        continue;
      }
    }
    plain += enriched[i];
  }
  std::string smiles;
  for (size_t i = 0; i < plain.size(); ++i) {
    const size_t close = plain[i] == '[' ? plain.find(']', i + 1) : kNone;
    if (close == kNone || close == i + 1) {
      smiles += plain[i];
      continue;
    }
    const std::string_view inner = std::string_view(plain).substr(i + 1, close - i - 1);
    const bool carbon_with_count = inner.size() > 1 && (inner[0] == 'C' || inner[0] == 'c') &&
                                   inner[1] == 'H' &&
                                   std::all_of(inner.begin() + 2, inner.end(), is_digit);
    if (carbon_with_count) {
      smiles += inner[0];
    } else if (is_organic_subset(inner)) {
      smiles += inner;
    } else {
      smiles += std::string_view(plain).substr(i, close - i + 1);
    }
    i = close;
  }
  return smiles;
}

}  // namespace molgen3d
