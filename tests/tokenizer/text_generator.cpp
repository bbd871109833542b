#include "tokenizer/text_generator.h"

#include <iterator>

namespace molgen3d::testing {
namespace {

const char* const kAtoms[] = {"[C]",     "[C@H]", "[C@@H]", "[N]", "[O]",  "[c]",
                              "[n]",     "[nH]",  "[NH3+]", "[S]", "[Cl]", "[Br]",
                              "[13CH3]", "[O-]",  "[N+]",   "[F]", "[s]",  "[P]"};
const char* const kBonds[] = {"",  "",  "",   "",  "=",  "#",  "(",   ")",  "1",
                              "2", "/", "\\", "-", ")=", "(=", "%12", ")(", "."};
const char* const kSmiles[] = {"C",    "c",      "N",  "n",  "O",        "o",    "S",
                               "(",    ")",      "1",  "2",  "=",        "#",    "[C@@H]",
                               "[nH]", "[NH3+]", "Cl", "Br", "/",        "\\",   "%10",
                               "[O-]", ".",      "cc", "CC", "c1ccccc1", "C(=O)"};
const char* const kWords[] = {"the",          "It's",
                              "don't",        "WE'LL",
                              "I'M",          "they've",
                              "he'd",         "you're",
                              "'Tis",         "Molecule",
                              "x1",           "3D",
                              "naïve",        "straße",
                              "1,000",        "3.14",
                              "-0.5",         "e-mail",
                              "C++",          "foo_bar",
                              "'s",           "'S",
                              "''",           "...",
                              "=====",        "<|endoftext|>",
                              "<|im_start|>", "<|begin_of_text|>",
                              "<think>",      "<|",
                              "|>",           "[SMILES]",
                              "[/SMILES",     "[CONFORMER]",
                              "[/CONFORMER]", "https://a.b/c?d=e&f=1"};
const char* const kSpaces[] = {" ",
                               " ",
                               " ",
                               " ",
                               "  ",
                               "   ",
                               "\n",
                               "\n\n",
                               "\r\n",
                               "\t",
                               " \n ",
                               "\n  ",
                               "\t\t",
                               "        ",
                               "\xC2\xA0",
                               "\xE3\x80\x80",
                               "\xE2\x80\x83",
                               "\xC2\x85",
                               "\xE2\x80\xA8",
                               "\v",
                               "\f",
                               "\x1F"};
struct Range {
  uint32_t first, last;
};
// Nothing that Unicode assigned after version 15: libraries differ in its properties.
const Range kRanges[] = {
    {0x00, 0x1F},       {0x20, 0x7E},       {0x30, 0x39},       {0x7F, 0xFF},
    {0x100, 0x17E},     {0x180, 0x24F},     {0x300, 0x36F},     {0x370, 0x3FF},
    {0x400, 0x4FF},     {0x590, 0x5FF},     {0x600, 0x6FF},     {0x900, 0x9FF},
    {0xB00, 0xDFF},     {0xE00, 0xEFF},     {0x1100, 0x11FF},   {0x1E00, 0x1FFF},
    {0x2000, 0x206F},   {0x2070, 0x209F},   {0x2100, 0x21FF},   {0x2460, 0x24FF},
    {0x3000, 0x30FF},   {0x3200, 0x33FF},   {0x4E00, 0x9FFF},   {0xA000, 0xABFF},
    {0xAC00, 0xD7A3},   {0xE000, 0xE0FF},   {0xF900, 0xFAFF},   {0xFB00, 0xFFFD},
    {0x10000, 0x100FF}, {0x10A00, 0x10AFF}, {0x11000, 0x1137F}, {0x1D400, 0x1D7FF},
    {0x1F1E6, 0x1F1FF}, {0x1F300, 0x1F64F}, {0x1F900, 0x1F9FF}, {0x20000, 0x200FF},
    {0x2F800, 0x2FA1D}, {0xE0100, 0xE01EF},
};

std::string utf8(uint32_t c) {
  std::string out;
  if (c < 0x80) return std::string(1, static_cast<char>(c));
  if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
  } else {
    if (c < 0x10000) {
      out += static_cast<char>(0xE0 | c >> 12);
    } else {
      out += static_cast<char>(0xF0 | c >> 18);
      out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    }
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
  }
  out += static_cast<char>(0x80 | (c & 0x3F));
  return out;
}

}  // namespace

std::string TextGenerator::number() {
  std::string out = below(2) ? "-" : "";
  out += std::to_string(below(12));
  const size_t decimals = below(5);
  if (decimals) out += '.';
  for (size_t i = 0; i < decimals; ++i) out += static_cast<char>('0' + below(10));
  return out;
}

std::string TextGenerator::enriched(size_t atoms) {
  std::string out = "[CONFORMER]";
  for (size_t i = 0; i < atoms; ++i) {
    out += kAtoms[below(std::size(kAtoms))];
    out.append("<").append(number()).append(",").append(number()).append(",").append(number());
    out.append(">").append(kBonds[below(std::size(kBonds))]);
  }
  out += "[/CONFORMER]";
  return out;
}

std::string TextGenerator::smiles(size_t symbols) {
  std::string out;
  for (size_t i = 0; i < symbols; ++i) out += kSmiles[below(std::size(kSmiles))];
  return out;
}

std::string TextGenerator::prose() {
  std::string out;
  for (size_t n = 1 + below(10); n > 0; --n) {
    if (below(4)) out += kSpaces[below(std::size(kSpaces))];
    out += below(6) ? kWords[below(std::size(kWords))] : number();
  }
  if (!below(3)) out += kSpaces[below(std::size(kSpaces))];
  return out;
}

std::string TextGenerator::code_point() {
  const Range range = kRanges[below(std::size(kRanges))];
  return utf8(range.first + static_cast<uint32_t>(below(range.last - range.first + 1)));
}

std::string TextGenerator::unicode() {
  std::string out;
  const size_t length = 1 + below(16);
  const size_t style = below(4);
  const Range range = kRanges[below(std::size(kRanges))];
  for (size_t i = 0; i < length; ++i) {
    switch (style == 3 ? below(3) : style) {
      case 0:
        out += code_point();
        break;
      case 1:  // one script
        out += utf8(range.first + static_cast<uint32_t>(below(range.last - range.first + 1)));
        break;
      default:  // letters with stacked marks, in and out of canonical order
        out += utf8(static_cast<uint32_t>('A' + below(58)));
        for (size_t marks = below(4); marks > 0; --marks)
          out += utf8(0x300 + static_cast<uint32_t>(below(0x4F)));
    }
    if (!below(5)) out += kSpaces[below(std::size(kSpaces))];
  }
  return out;
}

std::string TextGenerator::next() {
  switch (below(8)) {
    case 0:
    case 1:
      return enriched(1 + below(3));
    case 2:
      return std::string("[SMILES]").append(smiles(1 + below(20))).append("[/SMILES]");
    case 3:
      return smiles(1 + below(30));
    case 4:
    case 5:
      return prose();
    default:
      return unicode();
  }
}

}  // namespace molgen3d::testing
