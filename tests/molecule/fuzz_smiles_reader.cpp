// Any bytes as a SMILES, CSV or SDF file (first byte): every record ends in a molecule or a cause.
#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "molecule/make_template.h"
#include "molecule/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace molgen3d;
  if (size == 0) return 0;
  constexpr RecordFormat kFormats[] = {RecordFormat::kSmiles, RecordFormat::kCsv,
                                       RecordFormat::kSdf};
  ReaderOptions options;
  options.format = kFormats[data[0] % 3];
  options.max_line = 4096;
  try {
    RecordReader reader = RecordReader::from_text(
        std::string(reinterpret_cast<const char*>(data) + 1, size - 1), "fuzz", options);
    for (InputRecord record; reader.next(record);) {
      try {
        const Molecule molecule = molecule_of(record);
        for (const SmilesStyle style : {SmilesStyle::kCanonical, SmilesStyle::kAsGiven}) {
          const TemplateResult result = make_template(molecule, {.style = style});
          if (result.ok() && result.text_template.literals.size() != molecule.atom_count() + 1)
            std::abort();
        }
      } catch (const Error&) {
      }
    }
  } catch (const Error&) {
  }
  return 0;
}
