#include "molecule/smiles_parser.h"

#include <GraphMol/MolOps.h>
#include <GraphMol/SmilesParse/SmilesParse.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "molecule/atom_labels.h"
#include "molecule/cxsmiles.h"
#include "molecule/lost_stereo.h"
#include "molecule/molecule.h"
#include "molecule/rdkit_guard.h"
#include "text/smiles_scan.h"

namespace molgen3d {

namespace {

using MolPointer = std::shared_ptr<RDKit::RWMol>;

/// Null when RDKit's parser refused the syntax; throws what sanitization throws. `raw`: as spelled,
/// hydrogens stay atoms.
MolPointer read(const std::string& text, bool raw, bool extension = false) {
  RDKit::SmilesParserParams parameters;
  parameters.allowCXSMILES = extension;
  parameters.parseName = false;
  if (raw) {
    parameters.sanitize = false;
    parameters.removeHs = false;
  }
  return MolPointer(RDKit::SmilesToMol(text, parameters));
}

/// What RDKit's parser does after the syntax.
void finish(RDKit::RWMol& mol) {
  RDKit::MolOps::removeHs(mol, false, true, true);
  RDKit::MolOps::assignStereochemistry(mol, true, true, true);
}

/// The typed text without labels, with as few brackets as mean the same.
std::string unlabelled(std::string_view text, const SmilesScan& scan, const RDKit::RWMol& mol) {
  std::string bare = without_labels(text, scan, true);
  RDKit::RWMol copy(mol);
  const std::string wanted = RDKit::MolToSmiles(copy);
  std::string found;
  const std::string cause = rdkit_cause([&] {
    if (const MolPointer again = read(bare, false)) found = RDKit::MolToSmiles(*again);
  });
  return cause.empty() && found == wanted ? bare : without_labels(text, scan, false);
}

/// RDKit skips atoms that are not there.
void check_radicals(std::string_view radicals, size_t atoms) {
  for (size_t begin = 0; begin < radicals.size();) {
    const size_t end = std::min(radicals.find(',', begin), radicals.size());
    std::string_view part = radicals.substr(begin, end - begin);
    if (part.starts_with('^')) part = part.substr(std::min(part.find(':') + 1, part.size()));
    size_t atom = 0;
    const auto read = std::from_chars(part.data(), part.data() + part.size(), atom);
    if (read.ec != std::errc() || read.ptr != part.data() + part.size() || atom >= atoms) {
      throw Error::format("CXSMILES {}: {} is no atom from 0 to {}", in_quotes(radicals),
                          in_quotes(part), atoms - 1);
    }
    begin = end + 1;
  }
}

/// The way of texts with labels or radicals, and of those whose stereo may be lost.
void read_closely(std::string_view smiles, const SmilesScan& scan, const SmilesExtension& extension,
                  ParsedSmiles& out) {
  std::string text(smiles);
  if (!extension.radicals.empty()) text += " |" + extension.radicals + "|";
  const MolPointer raw = read(text, true, !extension.radicals.empty());
  if (!raw) return;
  check_radicals(extension.radicals, raw->getNumAtoms());
  number_typed_atoms(*raw);
  out.mol = std::make_shared<RDKit::RWMol>(*raw);
  const bool labelled = has_labels(*raw);
  if (labelled) set_labels_aside(*out.mol);
  finish(*out.mol);
  if (labelled) settle_hydrogen_labels(*out.mol);
  out.lost_stereo = lost_stereo(*raw, *out.mol);
  if (!extension.radicals.empty()) {
    out.typed.clear();
  } else if (labelled && scan.refusal == Refusal::kNone) {
    out.typed = unlabelled(smiles, scan, *out.mol);
  }
}

}  // namespace

ParsedSmiles parse_smiles(std::string_view given) {
  const SmilesField field = split_smiles_field(given);
  // White space without an extension behind it stays in the text, to be refused.
  const std::string_view text =
      field.extension.empty() && !field.title.empty()
          ? std::string_view(
                field.smiles.data(),
                static_cast<size_t>(field.title.data() + field.title.size() - field.smiles.data()))
          : field.smiles;
  const auto fail = [&](const std::string& cause) {
    return Error::format("SMILES {}: {}", in_quotes(text), cause);
  };
  if (text.empty()) throw Error("empty SMILES");
  if (text.size() > kMaxSmilesLength) {
    throw fail(fmt::format("longer than {} characters", kMaxSmilesLength));
  }
  if (text.find_first_of(std::string_view(" \t\r\n\v\f\0", 7)) != std::string_view::npos) {
    throw fail("white space or NUL inside");
  }
  if (const std::string foreign = foreign_character(text); !foreign.empty()) throw fail(foreign);
  // Counted before parsing, because the parser itself recurses.
  const SmilesScan scan = scan_smiles(text);
  if (scan.atoms > kMaxAtoms) throw fail(fmt::format("more than {} atoms", kMaxAtoms));
  SmilesExtension extension = read_extension(field.extension);
  if (!extension.refusal.empty()) throw fail(extension.refusal);

  ParsedSmiles out;
  out.typed = text;
  out.title = field.title;
  out.notes = std::move(extension.notes);
  const bool special = !extension.radicals.empty() || has_labels(text, scan);
  std::string cause = rdkit_cause([&] {
    if (!special) out.mol = read(out.typed, false);
    if (special ||
        (out.mol && (has_labels(*out.mol) || may_have_lost_stereo(text, scan, *out.mol)))) {
      read_closely(text, scan, extension, out);
    }
  });
  if (cause.empty() && !out.mol) {
    cause = scan.refusal == Refusal::kUnparsable ? scan.cause : "RDKit finds a syntax error";
  }
  if (!cause.empty()) throw fail(cause);
  if (out.mol->getNumAtoms() == 0) throw fail("no atom");
  return out;
}

}  // namespace molgen3d
