// What decides the samples of a run, and what is made of them, as lists of names and values:
// journals, run reports and --resume use these and no others.
#pragma once

#include <string>
#include <vector>

#include "files/journal.h"
#include "generation/record_output.h"
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

/// Which molecules a run over a sample of a data set takes: `name` is what reports call the set,
/// `file` where it is (empty: built in), `sample_size` 0: all of it. Throws Error when it cannot be
/// read.
RunIdentity dataset_identity(const std::string& name, const std::string& file,
                             const std::string& smiles_column, size_t sample_size);

/// What the bytes of an output depend on beside the samples.
RunIdentity output_identity(const OutputSettings& settings);

/// The entries of both, in this order.
RunIdentity joined(RunIdentity first, const RunIdentity& second);

/// Content of the regular files among `files`; 16 hexadecimal digits.
std::string content_of_files(const std::vector<std::string>& files);

}  // namespace molgen3d
