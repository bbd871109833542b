#include "molecule/make_template.h"

#include <GraphMol/QueryOps.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>

#include <numeric>

#include "base/error.h"
#include "molecule/rdkit_guard.h"

namespace molgen3d {

namespace {

TemplateResult refused(Refusal refusal, std::string cause) {
  TemplateResult result;
  result.refusal = refusal;
  result.cause = std::move(cause);
  return result;
}

/// What no SMILES text shows or what would only surface as an odd character in it.
Refusal graph_refusal(const RDKit::ROMol& mol, std::string& cause) {
  for (const RDKit::Atom* atom : mol.atoms()) {
    if (atom->getAtomicNum() == 0) {
      cause = fmt::format("atom {} is a dummy or query atom", atom->getIdx() + 1);
      return Refusal::kDummyAtom;
    }
    if (atom->hasQuery()) {
      cause = fmt::format("atom {} is a query", atom->getIdx() + 1);
      return Refusal::kQuery;
    }
  }
  for (const RDKit::Bond* bond : mol.bonds()) {
    const auto ends = fmt::format("between atoms {} and {}", bond->getBeginAtomIdx() + 1,
                                  bond->getEndAtomIdx() + 1);
    switch (bond->getBondType()) {
      case RDKit::Bond::DATIVE:
      case RDKit::Bond::DATIVEL:
      case RDKit::Bond::DATIVER:
      case RDKit::Bond::DATIVEONE:
        cause = "dative bond " + ends;
        return Refusal::kDativeBond;
      case RDKit::Bond::QUADRUPLE:
        cause = "quadruple bond " + ends;
        return Refusal::kQuadrupleBond;
      case RDKit::Bond::SINGLE:
      case RDKit::Bond::DOUBLE:
      case RDKit::Bond::TRIPLE:
      case RDKit::Bond::AROMATIC:
        break;
      default:
        cause = "bond of unusual order " + ends;
        return Refusal::kAnyBond;
    }
    if (bond->hasQuery()) {
      cause = "query bond " + ends;
      return Refusal::kQuery;
    }
  }
  return Refusal::kNone;
}

/// The SMILES text and, for each of its atoms in turn, the index in `mol`.
std::string write_canonical(const RDKit::ROMol& mol, std::vector<unsigned>& order) {
  RDKit::RWMol copy(mol);
  std::string smiles = RDKit::MolToSmiles(copy);
  copy.getProp(RDKit::common_properties::_smilesAtomOutputOrder, order);
  return smiles;
}

std::string descriptor(std::string_view symbol, const RDKit::Atom& atom, DescriptorStyle style) {
  const bool with_count =
      style == DescriptorStyle::kHydrogenCount ||
      (style == DescriptorStyle::kStudy && !atom.getIsAromatic() && atom.getAtomicNum() != 6);
  const unsigned hydrogens = with_count ? atom.getTotalNumHs() : 0;
  if (hydrogens == 0) return std::string(symbol);
  if (hydrogens == 1) return fmt::format("{}H", symbol);
  return fmt::format("{}H{}", symbol, hydrogens);
}

/// Checks that a reader of the answer gets this graph back: brackets such as `[O]` are read as bare
/// atoms, and RDKit must read its own SMILES as the same graph.
Refusal reading_refusal(const Molecule& molecule, const std::string& smiles, const SmilesScan& scan,
                        bool verify, std::string& cause) {
  std::string read_back;
  bool unwrapped = false;
  for (const SmilesToken& token : scan.tokens) {
    std::string_view text = std::string_view(smiles).substr(token.begin, token.length);
    if (token.kind == SmilesToken::Kind::kBracketAtom &&
        is_organic_subset(text.substr(1, text.size() - 2))) {
      if (!unwrapped) cause = std::string(text);
      text = text.substr(1, text.size() - 2);
      unwrapped = true;
    }
    read_back += text;
  }
  if (!unwrapped && !verify) return Refusal::kNone;
  bool same = false;
  try {
    same = Molecule::from_smiles(read_back).canonical_smiles(false) ==
           molecule.canonical_smiles(false);
  } catch (const Error&) {
    same = false;
  }
  if (same) return Refusal::kNone;
  if (unwrapped) {
    cause = bare_bracket_cause(cause);
    return Refusal::kBarePlainBracket;
  }
  cause = fmt::format("RDKit reads its own SMILES {} as another graph", in_quotes(smiles));
  return Refusal::kNotReproduced;
}

}  // namespace

TemplateResult make_template(const Molecule& molecule, const TemplateOptions& options) {
  const RDKit::ROMol& mol = molecule.rdkit();
  TemplateResult result;
  std::string cause;
  if (const Refusal refusal = graph_refusal(mol, cause); refusal != Refusal::kNone) {
    return refused(refusal, cause);
  }

  std::string smiles;
  std::vector<unsigned> order(molecule.atom_count());
  const bool as_given = options.style == SmilesStyle::kAsGiven;
  if (as_given) {
    smiles = molecule.typed_smiles();
    if (smiles.empty()) return refused(Refusal::kEmpty, "the input has no SMILES of its own");
    std::iota(order.begin(), order.end(), 0U);
  } else {
    cause = rdkit_cause([&] { smiles = write_canonical(mol, order); });
    if (!cause.empty()) return refused(Refusal::kUnparsable, cause);
  }

  const SmilesScan scan = scan_smiles(smiles);
  if (scan.refusal != Refusal::kNone) return refused(scan.refusal, scan.cause);
  if (scan.atoms != order.size()) {
    return refused(Refusal::kExplicitHydrogen,
                   fmt::format("the text spells {} atoms, {} remain without its explicit hydrogens",
                               scan.atoms, order.size()));
  }
  // As-given text is what was parsed: only its brackets need a look.
  const Refusal refusal =
      reading_refusal(molecule, smiles, scan, options.verify && !as_given, cause);
  if (refusal != Refusal::kNone) return refused(refusal, cause);

  Template& text_template = result.text_template;
  text_template = cut_template(std::move(smiles), scan, [&](size_t atom, std::string_view symbol) {
    return descriptor(symbol, *mol.getAtomWithIdx(order[atom]), options.descriptors);
  });
  for (size_t atom = 0; atom < order.size(); ++atom)
    text_template.atom_of_input[order[atom]] = atom;
  text_template.fragments = molecule.fragment_count();
  return result;
}

TemplateResult make_template(std::string_view smiles, const TemplateOptions& options) {
  if (smiles.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return refused(Refusal::kEmpty, "empty SMILES");
  }
  if (smiles.size() > kMaxSmilesLength) {
    return refused(Refusal::kTooLarge,
                   fmt::format("SMILES longer than {} characters", kMaxSmilesLength));
  }
  // A count before parsing, because the parser itself recurses.
  if (scan_smiles(smiles).atoms > kMaxAtoms) {
    return refused(Refusal::kTooLarge, fmt::format("more than {} atoms", kMaxAtoms));
  }
  try {
    return make_template(Molecule::from_smiles(smiles), options);
  } catch (const Error& error) {
    return refused(Refusal::kUnparsable, error.what());
  }
}

}  // namespace molgen3d
