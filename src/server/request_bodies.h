// The bodies of requests for work, as values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "generation/record_output.h"
#include "generation/settings.h"
#include "server/settings.h"

namespace molgen3d {

/// POST /v1/conformers. The fields are named as the options of `generate`, with underscores.
struct ConformersBody {
  std::vector<std::string> smiles;  ///< each may have a title after white space
  RunSettings settings;
  OutputSettings records;
  bool with_sdf = false;  ///< JSON lines with the SDF record of each conformer, too
};

/// Throws BadRequest. `model`: the name of the one model.
ConformersBody conformers_body(std::string_view body, const std::string& model,
                               const ServerLimits& limits);

/// POST /v1/completions, in OpenAI's shape.
struct CompletionsBody {
  std::vector<std::string> prompts;
  RunSettings settings;
  std::vector<std::string> stops;  ///< an answer is cut before the first of them
  bool stream = false;
  bool stream_usage = false;  ///< a last piece with the counts
};

/// As conformers_body(). Prompts are free text; settings.constraint is `none` unless the body says
/// `exact`, settings.geometry is off unless it says otherwise.
CompletionsBody completions_body(std::string_view body, const std::string& model,
                                 const ServerLimits& limits);

/// POST /v1/etkdg.
struct EtkdgBody {
  std::string smiles;
  uint32_t conformers = 1;
  uint64_t seed = 0;
  bool add_hydrogens = false;
};
EtkdgBody etkdg_body(std::string_view body, const ServerLimits& limits);

/// One line of a batch file, in OpenAI's shape.
struct BatchLine {
  std::string custom_id;
  std::string url;   ///< /v1/conformers or /v1/completions
  std::string body;  ///< JSON text
};

/// Throws BadRequest.
BatchLine batch_line(std::string_view line);

}  // namespace molgen3d
