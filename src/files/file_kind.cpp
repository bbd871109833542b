#include "files/file_kind.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <sstream>
#include <vector>

#include "files/byte_source.h"

namespace molgen3d {

namespace {

using namespace std::string_view_literals;

struct Known {
  std::string_view mark;
  const char* kind;
};

// None of these can begin a line of SMILES.
constexpr Known kBeginnings[] = {{"\xFF\xFE"sv, "UTF-16 text (convert it to UTF-8)"},
                                 {"\xFE\xFF"sv, "UTF-16 text (convert it to UTF-8)"},
                                 {"%PDF-"sv, "a PDF file"},
                                 {"\x89PNG"sv, "a PNG image"},
                                 {"\x7F"
                                  "ELF"sv,
                                  "a program"},
                                 {"\xD0\xCF\x11\xE0"sv, "an Office document"},
                                 {"SQLite format 3"sv, "an SQLite database"},
                                 {"\x89HDF"sv, "an HDF5 file"},
                                 {"PAR1"sv, "a Parquet file"},
                                 {"MOL3DSET"sv, "a molgen3d data set"},
                                 {"BZh"sv, "packed with bzip2"}};
constexpr Known kFirstLines[] = {{"<"sv, "HTML or XML"},
                                 {"{"sv, "JSON"},
                                 {"[{"sv, "JSON"},
                                 {"[\""sv, "JSON"},
                                 {"data_"sv, "a CIF file"},
                                 {"InChI="sv, "InChI lines"},
                                 {"HEADER    "sv, "a PDB file"},
                                 {"TITLE     "sv, "a PDB file"},
                                 {"COMPND    "sv, "a PDB file"},
                                 {"REMARK "sv, "a PDB file"},
                                 {"CRYST1"sv, "a PDB file"},
                                 {"MODEL     "sv, "a PDB file"},
                                 {"ATOM  "sv, "a PDB file"},
                                 {"HETATM"sv, "a PDB file"}};
constexpr Known kEndings[] = {{".mol2"sv, "a MOL2 file"},     {".pdb"sv, "a PDB file"},
                              {".ent"sv, "a PDB file"},       {".pdbqt"sv, "a PDB file"},
                              {".xyz"sv, "an XYZ file"},      {".cif"sv, "a CIF file"},
                              {".mmcif"sv, "a CIF file"},     {".mae"sv, "a Maestro file"},
                              {".maegz"sv, "a Maestro file"}, {".cml"sv, "a CML file"},
                              {".cdx"sv, "a ChemDraw file"},  {".cdxml"sv, "a ChemDraw file"},
                              {".gro"sv, "a GRO file"},       {".bz2"sv, "packed with bzip2"},
                              {".zip"sv, "packed with zip"},  {".zst"sv, "packed with zstd"},
                              {".7z"sv, "packed with 7-Zip"}, {".xlsx"sv, "a spreadsheet"},
                              {".xls"sv, "a spreadsheet"},    {".parquet"sv, "a Parquet file"},
                              {".pdf"sv, "a PDF file"},       {".mol3d"sv, "a molgen3d data set"}};

std::vector<std::string> first_lines(std::string_view text, size_t count) {
  std::vector<std::string> lines;
  while (lines.size() < count && !text.empty()) {
    const size_t end = std::min(text.find_first_of("\r\n"), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
    if (text.starts_with("\r\n")) text.remove_prefix(1);
    if (!text.empty()) text.remove_prefix(1);
  }
  return lines;
}

/// `6`, a comment, then `C 0.1 0.2 0.3`.
bool is_xyz(const std::vector<std::string>& lines) {
  if (lines.size() < 3) return false;
  std::istringstream count(lines[0]);
  std::istringstream atom(lines[2]);
  size_t atoms = 0;
  std::string rest;
  std::string symbol;
  double x = 0;
  double y = 0;
  double z = 0;
  return count >> atoms && !(count >> rest) && atom >> symbol >> x >> y >> z && symbol.size() <= 3;
}

}  // namespace

std::string foreign_content(std::string_view begin) {
  for (const Known& known : kBeginnings) {
    if (begin.starts_with(known.mark)) return known.kind;
  }
  if (begin.starts_with("\xEF\xBB\xBF")) begin.remove_prefix(3);
  begin.remove_prefix(std::min(begin.find_first_not_of(" \t\r\n"), begin.size()));
  for (const Known& known : kFirstLines) {
    if (begin.starts_with(known.mark)) return known.kind;
  }
  constexpr size_t kLines = 40;
  const std::vector<std::string> lines = first_lines(begin, kLines);
  if (is_xyz(lines)) return "an XYZ file";
  for (const std::string& line : lines) {
    if (line.starts_with("@<TRIPOS>")) return "a MOL2 file";
    const bool counts = line.find_first_not_of(" 0123456789") >= 6;
    if (counts && (line.ends_with("V2000") || line.ends_with("V3000")))
      return "an SDF or mol file (--input-format sdf reads it)";
  }
  return "";
}

std::string foreign_name(const std::string& path) {
  std::string ending = std::filesystem::path(without_packing(path)).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const Known& known : kEndings) {
    if (ending == known.mark) return known.kind;
  }
  return "";
}

}  // namespace molgen3d
