#include "dataset/tasks.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/plain_text.h"
#include "base/text_hash.h"
#include "dataset/conformer_lines.h"
#include "dataset/dataset_file.h"
#include "molecule/enriched.h"
#include "molecule/graph_key.h"
#include "molecule/spatial_check.h"
#include "molecule/stereo.h"

namespace molgen3d {

namespace {

using Json = nlohmann::json;

enum Kind : int { kIdentify, kConform, kKeys };

std::string packed(const Json& json) {
  std::string bytes;
  Json::to_cbor(json, bytes);
  return bytes;
}

Json binary(const std::string& bytes) {
  return Json::binary(std::vector<uint8_t>(bytes.begin(), bytes.end()));
}

std::string bytes_of(const Json& json) {
  const auto& binary = json.get_binary();
  return {binary.begin(), binary.end()};
}

// Texts of the input may hold any byte, so none of them travels as a JSON string.
Json json_of(const InputRecord& record) {
  return {{"index", record.index},
          {"title", binary(record.title)},
          {"smiles", binary(record.smiles)},
          {"mol", binary(record.mol_block)},
          {"cause", binary(record.cause)}};
}

InputRecord record_of(const Json& json) {
  InputRecord record;
  record.index = json.at("index");
  record.title = bytes_of(json.at("title"));
  record.smiles = bytes_of(json.at("smiles"));
  record.mol_block = bytes_of(json.at("mol"));
  record.cause = bytes_of(json.at("cause"));
  return record;
}

Json json_of(const Identity& identity) {
  return {{"outcome", static_cast<int>(identity.outcome)},
          {"cause", binary(identity.cause)},
          {"smiles", identity.smiles},
          {"graph", identity.graph},
          {"notes", binary(fmt::format("{}", fmt::join(identity.notes, "\n")))},
          {"scaffold", identity.scaffold}};
}

Identity identity_of(const Json& json) {
  Identity identity;
  identity.outcome = static_cast<Outcome>(json.at("outcome").get<int>());
  identity.cause = bytes_of(json.at("cause"));
  identity.smiles = json.at("smiles");
  identity.graph = json.at("graph");
  identity.scaffold = json.at("scaffold");
  const std::string notes = bytes_of(json.at("notes"));
  for (size_t begin = 0; begin < notes.size();) {
    const size_t end = std::min(notes.find('\n', begin), notes.size());
    identity.notes.push_back(notes.substr(begin, end - begin));
    begin = end + 1;
  }
  return identity;
}

/// The conformer of a line `SMILES<TAB>integers`; the reader calls the integers the title.
std::vector<int32_t> units_of(const std::string& text) {
  std::vector<int32_t> units;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    if (*at == ' ' || *at == '\t') {
      ++at;
      continue;
    }
    int32_t value = 0;
    const auto read = std::from_chars(at, end, value);
    if (read.ec != std::errc() || (read.ptr != end && *read.ptr != ' ' && *read.ptr != '\t')) {
      throw Error::format("coordinate {} is not an integer in 1e-4 A",
                          in_quotes({at, std::min<size_t>(static_cast<size_t>(end - at), 12)}));
    }
    units.push_back(value);
    at = read.ptr;
  }
  return units;
}

/// The molecule of a record whose coordinates are given.
Molecule given_molecule(const InputRecord& record) {
  if (!record.mol_block.empty()) return molecule_of(record);
  const Molecule molecule = Molecule::from_smiles(record.smiles);
  const std::vector<int32_t> units = units_of(record.title);
  if (units.size() != 3 * molecule.atom_count()) {
    throw Error::format("{} coordinates for {} atoms", units.size(), molecule.atom_count());
  }
  Coordinates coordinates;
  for (size_t i = 0; i < units.size(); i += 3) {
    coordinates.push_back({units[i] / 1e4, units[i + 1] / 1e4, units[i + 2] / 1e4});
  }
  return molecule.with_coordinates(coordinates);
}

/// Toward zero, but what was read from four decimals stays what it was: 0.0003 x 10^4 is
/// 2.9999999999999996 in binary.
int32_t truncated(double angstrom) {
  const double scaled = angstrom * 1e4;
  if (!(std::abs(scaled) < 1e9)) throw Error::format("coordinate {} is too large", angstrom);
  const double nearest = std::nearbyint(scaled);
  return static_cast<int32_t>(std::abs(scaled - nearest) < 1e-6 ? nearest : scaled);
}

void append_units(const Coordinates& coordinates, std::vector<int32_t>& units) {
  for (const Point3& p : coordinates) {
    for (const double value : {p.x, p.y, p.z}) units.push_back(truncated(value));
  }
}

Outcome outcome_of(EmbedFailure failure) {
  switch (failure) {
    case EmbedFailure::kNone:
      return Outcome::kDone;
    case EmbedFailure::kNoEmbedding:
      return Outcome::kNoEmbedding;
    case EmbedFailure::kNoParameters:
      return Outcome::kNoParameters;
    case EmbedFailure::kWrongStereo:
      return Outcome::kWrongStereo;
    case EmbedFailure::kNotFinite:
      return Outcome::kBadCoordinates;
  }
  return Outcome::kNoEmbedding;
}

Embedding given_embedding(const Molecule& molecule) {
  Embedding out;
  if (!judge_stereo(molecule).all_matched()) {
    out.failure = EmbedFailure::kWrongStereo;
    out.cause = "the coordinates do not have the stereochemistry of the SMILES";
    return out;
  }
  out.conformers.push_back(molecule.coordinates());
  out.energies.push_back(std::numeric_limits<double>::quiet_NaN());
  return out;
}

std::string filtered_cause(const Molecule& molecule, const DatasetSettings& settings) {
  const size_t atoms = molecule.atom_count();
  if (atoms < settings.min_atoms || atoms > settings.max_atoms) {
    return fmt::format("{} heavy atoms", atoms);
  }
  if (!settings.several_parts && molecule.fragment_count() > 1) {
    return fmt::format("{} parts", molecule.fragment_count());
  }
  if (settings.elements.empty()) return "";
  for (size_t i = 0; i < atoms; ++i) {
    const std::string symbol = molecule.element(i);
    if (symbol == "H") continue;
    if (std::find(settings.elements.begin(), settings.elements.end(), symbol) ==
        settings.elements.end()) {
      return "element " + symbol;
    }
  }
  return "";
}

}  // namespace

std::string identify_task(const InputRecord& record) {
  return packed({{"kind", kIdentify}, {"record", json_of(record)}});
}

std::string conformer_task(const InputRecord& record, const Identity& identity) {
  return packed({{"kind", kConform}, {"record", json_of(record)}, {"identity", json_of(identity)}});
}

std::string keys_task(const InputRecord& record) {
  return packed({{"kind", kKeys}, {"record", json_of(record)}});
}

Identity identity_of_reply(const std::string& reply) {
  return identity_of(Json::from_cbor(reply));
}

Product product_of_reply(const std::string& reply) {
  const Json json = Json::from_cbor(reply);
  Product product;
  product.outcome = static_cast<Outcome>(json.at("outcome").get<int>());
  product.cause = bytes_of(json.at("cause"));
  product.body = bytes_of(json.at("body"));
  product.jsonl = bytes_of(json.at("jsonl"));
  product.text = bytes_of(json.at("text"));
  product.tsv = bytes_of(json.at("tsv"));
  product.sdf = bytes_of(json.at("sdf"));
  product.conformers = json.at("conformers");
  product.unconverged = json.at("unconverged");
  product.wrong_stereo = json.at("wrong_stereo");
  product.force_field = static_cast<ForceFieldKind>(json.at("force_field").get<int>());
  return product;
}

TaskRunner::TaskRunner(DatasetSettings settings,
                       std::function<void(const std::string&)> before_embedding)
    : settings_(std::move(settings)), before_embedding_(std::move(before_embedding)) {}

std::string TaskRunner::run(const std::string& task) const {
  const Json json = Json::from_cbor(task);
  const InputRecord record = record_of(json.at("record"));
  switch (json.at("kind").get<int>()) {
    case kIdentify:
      return packed(json_of(identify(record)));
    case kKeys: {
      const Molecule molecule = molecule_of(record);
      Identity keys;
      keys.graph = graph_key(molecule);
      if (settings_.exclude_scaffolds) keys.scaffold = scaffold_key(molecule);
      return packed(json_of(keys));
    }
    default: {
      const Product product = conform(record, identity_of(json.at("identity")));
      return packed({{"outcome", static_cast<int>(product.outcome)},
                     {"cause", binary(product.cause)},
                     {"body", binary(product.body)},
                     {"jsonl", binary(product.jsonl)},
                     {"text", binary(product.text)},
                     {"tsv", binary(product.tsv)},
                     {"sdf", binary(product.sdf)},
                     {"conformers", product.conformers},
                     {"unconverged", product.unconverged},
                     {"wrong_stereo", product.wrong_stereo},
                     {"force_field", static_cast<int>(product.force_field)}});
    }
  }
}

Identity TaskRunner::identify(const InputRecord& record) const {
  Identity identity;
  const auto refused = [&](Outcome outcome, const std::string& cause) {
    identity.outcome = outcome;
    identity.cause = cause;
    return identity;
  };
  if (!record.ok()) return refused(Outcome::kUnreadable, record.cause);
  if (!settings_.given_coordinates && !record.mol_block.empty()) {
    // The SMILES is what counts: the coordinates of the input are not used.
    InputRecord bare;
    bare.index = record.index;
    bare.title = record.title;
    try {
      bare.smiles = molecule_of(record).canonical_smiles();
    } catch (const Error& error) {
      return refused(Outcome::kRefused, error.what());
    }
    return identify(bare);
  }
  try {
    const Molecule given =
        record.mol_block.empty() ? Molecule::from_smiles(record.smiles) : molecule_of(record);
    identity.notes = given.notes();
    for (const std::string& what : unjudged_stereo(given))
      identity.notes.push_back(what + " is not judged");
    const Molecule molecule = canonical_molecule(given);
    if (const std::string cause = filtered_cause(molecule, settings_); !cause.empty()) {
      identity.smiles = molecule.typed_smiles();
      return refused(Outcome::kFiltered, cause);
    }
    identity.graph = graph_key(molecule);
    if (settings_.exclude_scaffolds) identity.scaffold = scaffold_key(molecule);
    identity.smiles = molecule.typed_smiles();
  } catch (const Error& error) {
    return refused(Outcome::kRefused, error.what());
  }
  return identity;
}

namespace {

/// A record that gives nothing, with its cause.
Product failed(Product product, Outcome outcome, const std::string& cause) {
  product.outcome = outcome;
  product.cause = cause;
  return product;
}

/// The molecule of a record in canonical order, with the record's own coordinates. Throws Error
/// when it has none or they cannot be one structure.
Molecule with_given_coordinates(const InputRecord& record) {
  const Molecule given = given_molecule(record);
  if (given.has_coordinates()) {
    if (const std::string cause = why_not_spatial(given); !cause.empty()) throw Error(cause);
  }
  Molecule molecule = canonical_molecule(given);
  if (!molecule.has_coordinates()) throw Error("the record has no coordinates");
  return molecule;
}

}  // namespace

Product TaskRunner::conform(const InputRecord& record, const Identity& identity) const {
  Product product;
  if (before_embedding_) before_embedding_(identity.smiles);
  const uint64_t seed = mix64(text_hash(identity.smiles) ^ mix64(settings_.seed));
  Embedding embedding;
  std::optional<Molecule> molecule;
  if (settings_.given_coordinates) {
    try {
      molecule = with_given_coordinates(record);
    } catch (const Error& error) {
      return failed(product, Outcome::kBadCoordinates, error.what());
    }
    embedding = given_embedding(*molecule);
  } else {
    molecule = Molecule::from_smiles(identity.smiles);
    embedding = embed_conformers(*molecule, settings_.embed, seed);
  }
  product.wrong_stereo = embedding.wrong_stereo;
  if (embedding.failure != EmbedFailure::kNone) {
    return failed(product, outcome_of(embedding.failure), embedding.cause);
  }

  TemplateOptions style;
  style.style = SmilesStyle::kAsGiven;  // the text is canonical already, atoms stand in its order
  style.descriptors = settings_.descriptors;
  const TemplateResult written = make_template(*molecule, style);
  if (!written.ok()) return failed(product, Outcome::kRefused, written.cause);

  DatasetRecord out;
  out.source = record.index;
  out.smiles = identity.smiles;
  if (!settings_.given_coordinates || !record.mol_block.empty()) out.title = record.title;
  out.force_field = embedding.force_field;
  out.atoms = static_cast<uint32_t>(molecule->atom_count());
  out.energies = embedding.energies;
  try {
    for (size_t i = 0; i < embedding.conformers.size(); ++i) {
      std::vector<int32_t> units;
      append_units(in_frame(embedding.conformers[i], settings_.frame, mix64(seed + i)), units);
      write_conformer(settings_, *molecule, written.text_template, out, i, units, product);
      out.units.insert(out.units.end(), units.begin(), units.end());
    }
  } catch (const Error& error) {
    return failed(product, Outcome::kBadCoordinates, error.what());
  }
  product.body = pack_record(out);
  product.conformers = static_cast<uint32_t>(out.conformers());
  product.unconverged = embedding.unconverged;
  product.force_field = out.force_field;
  return product;
}

}  // namespace molgen3d
