// Every molecule of the public lists either comes back exactly or is refused with a cause.
// By default each list is sampled; MOLGEN3D_FULL_CORPUS=1 takes every line.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "base/error.h"
#include "base/thread_pool.h"
#include "molecule/enriched.h"
#include "molecule/reader.h"
#include "molecule/test_molecules.h"
#include "test_data.h"

namespace molgen3d {
namespace {

/// Outcomes, one number per cause; kNone counts the accepted.
using Counts = std::array<size_t, static_cast<size_t>(Refusal::kCount)>;
constexpr auto kAccepted = static_cast<size_t>(Refusal::kNone);

struct Corpus {
  const char* title;
  const char* file;
  size_t stride;  ///< every stride-th line in the sampled run
};
constexpr Corpus kCorpora[] = {{"ZINC train", "zinc_train_smiles.txt.xz", 40},
                               {"ZINC valid", "zinc_valid_smiles.txt.xz", 10},
                               {"ZINC test", "zinc_test_smiles.txt.xz", 5},
                               {"PubChem 100k", "pubchem_100k_substances.txt.xz", 10},
                               {"QM9", "qm9_smiles.txt.xz", 40},
                               {"ChEMBL drugs", "chembl_drugs.smi", 1}};

std::string read_all(const std::string& path) {
  const std::string command = (path.ends_with(".xz") ? "xz -dc '" : "cat '") + path + "'";
  std::FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  char buffer[65536];
  for (size_t n = 0; pipe && (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    text.append(buffer, n);
  }
  if (pipe) pclose(pipe);
  return text;
}

/// Empty when the molecule survives the format: the text that the encoder writes for zero
/// coordinates is the template with zeros, a plain rewriting of the SMILES gives that text too, and
/// decoding numbered coordinates gives the graph back, atom by atom.
std::string check(const Molecule& molecule, const Template& text_template) {
  const size_t atoms = molecule.atom_count();
  const NumberFormat format{4, NumberFormat::Zeros::kFixed, 3};
  std::string by_hand;
  for (size_t i = 0; i < text_template.smiles.size(); ++i) {
    const std::string& s = text_template.smiles;
    std::string symbol;
    if (s[i] == '[') {
      symbol = s.substr(i + 1, s.find(']', i) - i - 1);
      i += symbol.size() + 1;
    } else if (std::isalpha(static_cast<unsigned char>(s[i]))) {
      symbol = s.substr(i, s.compare(i, 2, "Cl") == 0 || s.compare(i, 2, "Br") == 0 ? 2 : 1);
      i += symbol.size() - 1;
    } else {
      by_hand += s[i];
      continue;
    }
    by_hand += "[" + symbol + "]<0.0000,0.0000,0.0000>";
  }
  const Coordinates zeros(atoms);
  if (fill_template(text_template, zeros, format) != by_hand)
    return "template differs from the text by hand";
  if (encode_enriched(molecule.with_coordinates(zeros), format) != by_hand) {
    return "encoder differs from the template";
  }
  const Coordinates coordinates = test::numbered(atoms);
  const DecodeResult decoded = decode_enriched(
      fill_template(text_template, to_text_order(text_template, coordinates), format),
      DecodeLevel::kStrict, format);
  if (!decoded.molecule) return "decode: " + decoded.error;
  if (decoded.molecule->canonical_smiles(false) != molecule.canonical_smiles(false)) {
    return "decoded graph differs";
  }
  if (to_input_order(text_template, decoded.molecule->coordinates()) != coordinates) {
    return "coordinates differ";
  }
  return {};
}

class Lists : public testing::TestWithParam<Corpus> {
 protected:
  static void SetUpTestSuite() {
    std::printf(
        "| list | molecules | round trip | refused: cause (count) |\n| --- | --- | --- | --- |\n");
  }
};

TEST_P(Lists, RoundTripOrAreRefusedWithACause) {
  const Corpus& corpus = GetParam();
  MOLGEN3D_NEEDS_DATA(corpus.file);
  const bool full = std::getenv("MOLGEN3D_FULL_CORPUS") != nullptr;
  ThreadPool pool;
  // SMILES files by content, whatever their names end in.
  RecordReader reader = RecordReader::from_text(read_all(test::test_data(corpus.file)), corpus.file,
                                                {.format = RecordFormat::kSmiles});
  std::vector<InputRecord> records;
  for (InputRecord record; reader.next(record);) {
    if (full || record.index % corpus.stride == 0) records.push_back(record);
  }
  ASSERT_FALSE(records.empty()) << corpus.file;
  Counts counts{};
  std::mutex mutex;
  pool.parallel_for(records.size(), 64, [&](size_t begin, size_t end) {
    Counts local{};
    for (size_t i = begin; i < end; ++i) {
      ASSERT_TRUE(records[i].ok()) << record_error(corpus.file, records[i], records[i].cause);
      const TemplateResult result = make_template(records[i].smiles);
      ++local[static_cast<size_t>(result.refusal)];
      EXPECT_EQ(result.ok(), result.cause.empty()) << records[i].smiles;
      if (!result.ok()) continue;
      const std::string problem = check(molecule_of(records[i]), result.text_template);
      EXPECT_EQ(problem, "") << corpus.file << ":" << records[i].line << ": " << records[i].smiles;
    }
    const std::lock_guard<std::mutex> lock(mutex);
    for (size_t i = 0; i < counts.size(); ++i) counts[i] += local[i];
  });
  std::string causes;
  for (size_t i = 1; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    causes += fmt::format("{}{} ({})", causes.empty() ? "" : ", ",
                          refusal_name(static_cast<Refusal>(i)), counts[i]);
  }
  std::printf("| %s | %zu | %zu | %s |\n", corpus.title, records.size(), counts[kAccepted],
              causes.empty() ? "-" : causes.c_str());
  std::fflush(stdout);
  EXPECT_GT(counts[kAccepted], records.size() * 9 / 10) << corpus.file;
}

INSTANTIATE_TEST_SUITE_P(Corpus, Lists, testing::ValuesIn(kCorpora));

}  // namespace
}  // namespace molgen3d
