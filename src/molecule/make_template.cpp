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
  if (hydrogens == 0) return fmt::format("[{}]", symbol);
  if (hydrogens == 1) return fmt::format("[{}H]", symbol);
  return fmt::format("[{}H{}]", symbol, hydrogens);
}

/// Checks that a reader of the answer gets this graph back: brackets such as `[O]` are read as bare
/// atoms, and RDKit must read its own SMILES as the same graph.
Refusal reading_refusal(const Molecule& molecule, const Template& text_template,
                        const SmilesScan& scan, bool verify, std::string& cause) {
  std::string read_back;
  bool unwrapped = false;
  for (const SmilesToken& token : scan.tokens) {
    std::string_view text =
        std::string_view(text_template.smiles).substr(token.begin, token.length);
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
    cause = fmt::format("{} would be read back as a plain atom with its hydrogens", cause);
    return Refusal::kBarePlainBracket;
  }
  cause = fmt::format("RDKit reads its own SMILES {} as another graph",
                      in_quotes(text_template.smiles));
  return Refusal::kNotReproduced;
}

void cut_literals(const RDKit::ROMol& mol, const SmilesScan& scan,
                  const std::vector<unsigned>& order, DescriptorStyle style,
                  Template& text_template) {
  text_template.atom_of_input.resize(order.size());
  text_template.literals.reserve(order.size() + 1);
  std::string literal;
  size_t atom = 0;
  for (const SmilesToken& token : scan.tokens) {
    const std::string_view text =
        std::string_view(text_template.smiles).substr(token.begin, token.length);
    if (!token.is_atom()) {
      literal += text;
      continue;
    }
    if (token.kind == SmilesToken::Kind::kBracketAtom) {
      literal += text;
    } else {
      literal += descriptor(text, *mol.getAtomWithIdx(order[atom]), style);
    }
    text_template.atom_of_input[order[atom++]] = text_template.literals.size();
    text_template.literals.push_back(literal + "<");
    literal.assign(1, '>');
  }
  text_template.literals.push_back(std::move(literal));
}

}  // namespace

DescriptorStyle descriptor_style(const std::string& name) {
  if (name == "verbatim") return DescriptorStyle::kVerbatim;
  if (name == "hcount") return DescriptorStyle::kHydrogenCount;
  if (name == "study") return DescriptorStyle::kStudy;
  throw Error::format("descriptor style {}: not one of verbatim, hcount, study", in_quotes(name));
}

TemplateResult make_template(const Molecule& molecule, const TemplateOptions& options) {
  const RDKit::ROMol& mol = molecule.rdkit();
  TemplateResult result;
  Template& text_template = result.text_template;
  std::string cause;
  if (const Refusal refusal = graph_refusal(mol, cause); refusal != Refusal::kNone) {
    return refused(refusal, cause);
  }

  std::vector<unsigned> order(molecule.atom_count());
  const bool as_given = options.style == SmilesStyle::kAsGiven;
  if (as_given) {
    text_template.smiles = molecule.typed_smiles();
    if (text_template.smiles.empty())
      return refused(Refusal::kEmpty, "the input has no SMILES of its own");
    std::iota(order.begin(), order.end(), 0U);
  } else {
    cause = rdkit_cause([&] { text_template.smiles = write_canonical(mol, order); });
    if (!cause.empty()) return refused(Refusal::kUnparsable, cause);
  }

  const SmilesScan scan = scan_smiles(text_template.smiles);
  if (scan.refusal != Refusal::kNone) return refused(scan.refusal, scan.cause);
  if (scan.atoms != order.size()) {
    return refused(Refusal::kExplicitHydrogen,
                   fmt::format("the text spells {} atoms, {} remain without its explicit hydrogens",
                               scan.atoms, order.size()));
  }
  // As-given text is what was parsed: only its brackets need a look.
  const Refusal refusal =
      reading_refusal(molecule, text_template, scan, options.verify && !as_given, cause);
  if (refusal != Refusal::kNone) return refused(refusal, cause);

  cut_literals(mol, scan, order, options.descriptors, text_template);
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

std::string prompt_text(const Template& text_template) {
  return "[SMILES]" + text_template.smiles + "[/SMILES]";
}

std::vector<std::string> tagged_literals(const Template& text_template) {
  std::vector<std::string> literals = text_template.literals;
  literals.front() = fmt::format("[CONFORMER]{}", literals.front());
  literals.back() += "[/CONFORMER]";
  return literals;
}

Coordinates to_input_order(const Template& text_template, const Coordinates& text_order) {
  Coordinates result(text_order.size());
  for (size_t i = 0; i < result.size(); ++i)
    result[i] = text_order.at(text_template.atom_of_input.at(i));
  return result;
}

Coordinates to_text_order(const Template& text_template, const Coordinates& input_order) {
  Coordinates result(input_order.size());
  for (size_t i = 0; i < result.size(); ++i)
    result.at(text_template.atom_of_input.at(i)) = input_order[i];
  return result;
}

}  // namespace molgen3d
