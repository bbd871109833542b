#include "molecule/second_embedding.h"

#include "geometry/check.h"
#include "molecule/embedding.h"
#include "molecule/hard_set.h"

namespace molgen3d {

namespace {

/// One by one, since a run waits for them: the first mostly does.
constexpr uint64_t kConformers = 4;
constexpr uint32_t kAttempts = 5;
constexpr uint32_t kSteps = 200;

}  // namespace

std::vector<geometry::Position> second_embedding(const Molecule& molecule,
                                                 const Template& text_template,
                                                 const geometry::HardSetTables& tables) {
  EmbedSettings settings;
  settings.max_attempts = kAttempts;
  settings.max_steps = kSteps;
  settings.missing = MissingParameters::kKeep;
  const geometry::HardSet set = geometry::make_hard_set(tables);
  for (uint64_t seed = 0; seed < kConformers; ++seed) {
    const Embedding found = embed_conformers(molecule, settings, seed);
    for (const Coordinates& conformer : found.conformers) {
      std::vector<geometry::Position> places =
          positions_of(to_text_order(text_template, conformer));
      if (geometry::first_fault(set.view(), places.data(), true) == geometry::Fault::kNone)
        return places;
    }
  }
  return {};
}

}  // namespace molgen3d
