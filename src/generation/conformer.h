// From generated tokens to a checked 3D structure.
#pragma once

#include <string>

#include "generation/generator.h"
#include "molecule/verdict.h"

namespace molgen3d {

/// What one sample amounts to. `ok` means: the text is the prompt's template to the last byte
/// around strict numbers, and the model ended by itself.
struct Conformer {
  bool ok = false;
  std::string cause;        ///< why not ok, one line
  std::string text;         ///< the answer as decoded, tags included, without end-of-sequence
  std::string enriched;     ///< between the tags, when both are there
  Coordinates coordinates;  ///< Angstrom, in the input's atom order; when ok
  StereoVerdict stereo;     ///< when ok
};

/// `spans`: receives how long decoding and judging took; may be null.
Conformer read_conformer(const Model& model, const Sample& sample, SpanSink* spans = nullptr);

/// The answer's text without end-of-sequence and padding tokens.
std::string answer_text(const Model& model, const Completion& completion);

}  // namespace molgen3d
