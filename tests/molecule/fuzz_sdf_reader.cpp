// Any bytes as an SDF file: every record ends in a molecule and its enriched text, or in a cause,
// and records stand in the order of their lines.
#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "molecule/enriched.h"
#include "molecule/reader.h"
#include "molecule/spatial_check.h"

using namespace molgen3d;

static void use(const InputRecord& record) {
  record_property(record, "SMILES");
  const Molecule molecule = molecule_of(record);
  if (molecule.has_coordinates() && !why_not_spatial(molecule).empty()) return;
  const std::string text = encode_enriched(molecule, {});
  if (!decode_enriched(text, DecodeLevel::kStrict).molecule) std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ReaderOptions options;
  options.format = RecordFormat::kSdf;
  options.title_column = "ID";
  options.max_line = 4096;
  options.max_record = 1 << 16;
  size_t records = 0, line = 0;
  try {
    RecordReader reader = RecordReader::from_text(
        std::string(reinterpret_cast<const char*>(data), size), "fuzz", options);
    for (InputRecord record; reader.next(record); ++records) {
      if (record.index != records || record.line <= line) std::abort();
      line = record.line;
      try {
        use(record);
      } catch (const Error&) {
      }
    }
  } catch (const Error&) {
  }
  return 0;
}
