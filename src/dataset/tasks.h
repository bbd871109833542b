// What a worker process does for one record, and how it is asked and answers. All chemistry of a
// data set happens here.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "dataset/outcome.h"
#include "dataset/settings.h"
#include "molecule/reader.h"

namespace molgen3d {

/// First step, cheap: which molecule is it?
struct Identity {
  Outcome outcome = Outcome::kDone;  ///< else kUnreadable, kRefused, kFiltered, kBadCoordinates
  std::string cause;
  std::string smiles;    ///< canonical isomeric; set when the record could be read as a molecule
  std::string graph;     ///< graph_key()
  std::string scaffold;  ///< scaffold_key(), when asked for
  std::vector<std::string> notes;  ///< what the record says and the data set does not carry
};

/// Second step: its conformers, ready to be appended to the files of its split.
struct Product {
  Outcome outcome = Outcome::kDone;
  std::string cause;
  std::string body;   ///< pack_record()
  std::string jsonl;  ///< a line per conformer
  std::string text;   ///< training units, a line per conformer; when asked for
  std::string tsv;    ///< SMILES, tab, integers in 1e-4 A, a line per conformer; when asked for
  std::string sdf;    ///< a record per conformer; when asked for
  uint32_t conformers = 0;
  uint32_t unconverged = 0;
  uint32_t wrong_stereo = 0;
  ForceFieldKind force_field = ForceFieldKind::kNone;
};

/// The three tasks as byte strings.
std::string identify_task(const InputRecord& record);
std::string conformer_task(const InputRecord& record, const Identity& identity);
/// Keys only, of any molecule that RDKit can read: for exclusion lists and for checking.
std::string keys_task(const InputRecord& record);

Identity identity_of_reply(const std::string& reply);
Product product_of_reply(const std::string& reply);

/// Runs tasks; give run() to a WorkerPool.
class TaskRunner {
 public:
  /// `before_embedding` is called with the canonical SMILES before conformers are computed; tests
  /// use it to make a worker hang or crash.
  explicit TaskRunner(DatasetSettings settings,
                      std::function<void(const std::string&)> before_embedding = {});
  std::string run(const std::string& task) const;

 private:
  Identity identify(const InputRecord& record) const;
  Product conform(const InputRecord& record, const Identity& identity) const;

  DatasetSettings settings_;
  std::function<void(const std::string&)> before_embedding_;
};

}  // namespace molgen3d
