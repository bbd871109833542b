// The one list of what decides the samples of a run: journals, run reports and --resume use it.
#pragma once

#include <string>
#include <vector>

#include "files/journal.h"
#include "generation/run_settings.h"
#include "molecule/reader.h"

namespace molgen3d {

/// Program version, checkpoint and tokenizer by content, device and every setting of a run. A
/// setting that changes samples is one line here. Reads all weights once.
RunIdentity run_identity(const RunSettings& settings, const GenerationOptions& generation,
                         const Model& model, const std::string& device);

/// What is read: `inputs` as a RecordStream takes them, with the content of the files among them
/// (not of standard input and pipes), how they are read, and how far (`limit` 0: all). Throws Error
/// when a file cannot be read.
RunIdentity input_identity(const std::vector<std::string>& inputs, const ReaderOptions& reader,
                           size_t limit);

/// Content of the regular files among `files`; 16 hexadecimal digits.
std::string content_of_files(const std::vector<std::string>& files);

}  // namespace molgen3d
