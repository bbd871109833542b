#include "molecule/chemistry_versions.h"

#include <RDGeneral/versions.h>

#include "base/error.h"
#include "files/content_hash.h"
#include "molecule/make_template.h"

namespace molgen3d {

// Each is a case in which RDKit's canonical ranks or its notation changed before, or may.
const ChemistryVersions& chemistry_versions() {
  static constexpr const char* kProbes[] = {"CC(=O)Oc1ccccc1C(=O)O",
                                            "C[C@H]1CC[C@@](C)(O)C[C@@H]1N",
                                            "F/C=C/C=C\\C(Cl)=C(\\Br)I",
                                            "c1ccc2c(c1)[nH]c1ccccc12",
                                            "O=C1NC(=O)C(=Cc2c[nH]c3ccccc23)N1",
                                            "C1CC2CCC1CC2",
                                            "[O-][N+](=O)c1ccc(cc1)S(=O)(=O)N",
                                            "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",
                                            "C[S@](=O)c1ccccc1",
                                            "[13CH3][C@@H]([2H])O"};
  static const ChemistryVersions versions = [] {
    ChemistryVersions out;
    out.rdkit = RDKit::rdkitVersion;
    uint64_t hash = 0;
    for (const char* probe : kProbes) {
      const TemplateResult made = make_template(Molecule::from_smiles(probe), {});
      hash = content_hash(made.ok() ? made.text_template.smiles : made.cause, hash);
    }
    out.canonical = hash_text(hash);
    return out;
  }();
  return versions;
}

void require_same_chemistry(const ChemistryVersions& was, const ChemistryVersions& is,
                            const std::string& place) {
  const auto compare = [&](const char* what, const std::string& before, const std::string& now) {
    if (before == now) return;
    throw Error::format("{}: {} {} was used, elsewhere {}; texts and results may differ", place,
                        what, now, before);
  };
  compare("RDKit", was.rdkit, is.rdkit);
  compare("canonical form", was.canonical, is.canonical);
}

}  // namespace molgen3d
