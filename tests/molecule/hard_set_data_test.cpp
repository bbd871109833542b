// Every real structure at hand satisfies the full hard set. Needs the data folder.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "data_files.h"
#include "geometry/check.h"
#include "molecule/hard_set.h"
#include "molecule/reader.h"

namespace molgen3d {
namespace {

struct Tally {
  size_t structures = 0;
  std::vector<std::string> faults;  ///< one line per structure outside the set
};

/// The first fault of a structure in the order of its atoms, or an empty line.
std::string first_fault(const Molecule& molecule) {
  Template order;
  order.atom_of_input.resize(molecule.atom_count());
  std::iota(order.atom_of_input.begin(), order.atom_of_input.end(), size_t{0});
  const geometry::HardSet set = hard_set_of(molecule, order, geometry::Level::kFull);
  const std::vector<geometry::Position> at = positions_of(molecule.coordinates());
  for (size_t i = 0; i < at.size(); ++i) {
    const geometry::Fault fault =
        geometry::check_atom(set.view(), at.data(), static_cast<int>(i), true);
    if (fault != geometry::Fault::kNone)
      return fmt::format("{} at atom {}", geometry::fault_name(fault), i);
  }
  return set.not_enforced.empty() ? "" : set.not_enforced.front();
}

Tally tally_of(const std::string& path) {
  Tally out;
  RecordReader reader(path);
  for (InputRecord record; reader.next(record);) {
    if (!record.ok()) {
      ADD_FAILURE() << path << ": " << record.cause;
      continue;
    }
    ++out.structures;
    const std::string fault = first_fault(molecule_of(record));
    if (!fault.empty()) out.faults.push_back(record.title + ": " + fault);
  }
  return out;
}

class RealStructures : public testing::TestWithParam<std::pair<const char*, size_t>> {};

TEST_P(RealStructures, SatisfyTheFullHardSet) {
  const auto& [name, expected] = GetParam();
  MOLGEN3D_NEEDS_DATA(name);
  const std::string compressed = test::test_data(name);
  const Tally tally = tally_of(compressed);
  EXPECT_EQ(tally.structures, expected);
  for (const std::string& fault : tally.faults) ADD_FAILURE() << fault;
}

INSTANTIATE_TEST_SUITE_P(HardSet, RealStructures,
                         testing::Values(std::pair{"geom_drugs_80mols_crest.sdf.xz", 6990},
                                         std::pair{"pdb_bioactive_3354.sdf.xz", 3354},
                                         std::pair{"cod_organic_370.sdf.gz", 370},
                                         std::pair{"mpconf196gen.sdf.xz", 653}));

}  // namespace
}  // namespace molgen3d
