#include "text/template.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "text/styles.h"

namespace molgen3d {
namespace {

using Literals = std::vector<std::string>;

TEST(Template, IsCutAtTheAtoms) {
  const TemplateResult result = template_of_smiles("C[C@H](Cl)%12OC%12");
  ASSERT_TRUE(result.ok()) << result.cause;
  const Template& cut = result.text_template;
  EXPECT_EQ(cut.smiles, "C[C@H](Cl)%12OC%12");
  EXPECT_EQ(cut.literals, (Literals{"[C]<", ">[C@H]<", ">([Cl]<", ">)%12[O]<", ">[C]<", ">%12"}));
  EXPECT_EQ(cut.atom_of_input, (std::vector<size_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(cut.atom_count() + 1, cut.literals.size());
}

TEST(Template, DescriptorsAreAsked) {
  const std::string smiles = "[nH]CN";
  const Template cut =
      cut_template(smiles, scan_smiles(smiles), [](size_t atom, std::string_view symbol) {
        return std::string(symbol) + "H" + std::to_string(atom);
      });
  EXPECT_EQ(cut.literals, (Literals{"[nH]<", ">[CH1]<", ">[NH2]<", ">"}));
}

TEST(Template, BondsToAnAtomBefore) {
  const auto before = [](std::string_view smiles) {
    return bonded_before(literals_of_smiles(smiles));
  };
  EXPECT_EQ(before("CCO"), (std::vector<int>{-1, 0, 1}));
  EXPECT_EQ(before("CC(=O)N"), (std::vector<int>{-1, 0, 1, 1}));
  EXPECT_EQ(before("CC(C(F)(F)F)(O)N"), (std::vector<int>{-1, 0, 1, 2, 2, 2, 1, 1}));
  EXPECT_EQ(before("c1cc([N+](=O)[O-])ccc1"), (std::vector<int>{-1, 0, 1, 2, 3, 3, 2, 6, 7}));
}

TEST(Template, TagsStandAroundTheLiterals) {
  EXPECT_EQ(literals_of_smiles("CO"), (Literals{"[CONFORMER][C]<", ">[O]<", ">[/CONFORMER]"}));
  EXPECT_EQ(literals_of_smiles("C"), (Literals{"[CONFORMER][C]<", ">[/CONFORMER]"}));
}

TEST(Template, RefusesWhatTheFormatCannotCarry) {
  const auto cause = [](const char* smiles) { return template_of_smiles(smiles).cause; };
  EXPECT_EQ(cause("C[O]"), "[O] would be read back as a plain atom with its hydrogens");
  EXPECT_EQ(cause("C->N"), "dative bond '->' at column 2");
  EXPECT_EQ(template_of_smiles("C[O]").refusal, Refusal::kBarePlainBracket);
  EXPECT_EQ(template_of_smiles("").refusal, Refusal::kEmpty);
  try {
    literals_of_smiles("C(");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "\"C(\": a branch '(' is never closed");
  }
}

TEST(Template, OrdersOfAtoms) {
  Template order;
  order.atom_of_input = {2, 0, 1};
  const Coordinates input = {{1, 0, 0}, {2, 0, 0}, {3, 0, 0}};
  EXPECT_EQ(to_text_order(order, input), (Coordinates{{2, 0, 0}, {3, 0, 0}, {1, 0, 0}}));
  EXPECT_EQ(to_input_order(order, to_text_order(order, input)), input);
}

TEST(Styles, NamesAndBack) {
  for (const char* name : {"verbatim", "hcount", "study"})
    EXPECT_STREQ(descriptor_style_name(descriptor_style(name)), name);
  for (const char* name : {"canonical", "as-given"})
    EXPECT_STREQ(smiles_style_name(smiles_style(name)), name);
  EXPECT_EQ(descriptor_style("hcount"), DescriptorStyle::kHydrogenCount);
  EXPECT_EQ(smiles_style("as-given"), SmilesStyle::kAsGiven);
  EXPECT_THROW(descriptor_style("x"), Error);
  EXPECT_THROW(smiles_style(""), Error);
}

}  // namespace
}  // namespace molgen3d
