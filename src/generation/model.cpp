#include "generation/model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cstdlib>

#include "base/error.h"
#include "base/file_kind.h"
#include "base/regular_file.h"
#include "checkpoint/foreign_weights.h"
#include "geometry/token_text.h"
#include "text/tags.h"

namespace molgen3d {

std::vector<TokenId> Model::prompt_tokens(const std::string& smiles) const {
  std::vector<TokenId> ids = prompt_prefix;
  const std::vector<TokenId> text = tokenizer->encode(prompt_text(smiles));
  ids.insert(ids.end(), text.begin(), text.end());
  return ids;
}

void make_templates(Model& model) {
  const NumberFormat& numbers = model.checkpoint->format().numbers;
  model.templates = std::make_shared<const TemplateCompiler>(model.tokenizer, numbers,
                                                             EndOfSequence(model.end_of_sequence));
  model.texts = std::make_shared<const geometry::TokenTexts>(
      geometry::token_texts(*model.tokenizer, numbers));
}

std::shared_ptr<const Model> load_model(const std::filesystem::path& directory) {
  const auto begin = std::chrono::steady_clock::now();
  auto model = std::make_shared<Model>();
  model->checkpoint = Checkpoint::open(directory);
  const auto tokenizer_path = directory / "tokenizer.json";
  if (!is_present(tokenizer_path)) {
    const std::string other = foreign_tokenizer(directory);
    throw Error::format("{}: missing{}{}", tokenizer_path.string(), other.empty() ? "" : "; ",
                        other);
  }
  model->tokenizer = Tokenizer::from_file(tokenizer_path);
  const auto canonical = std::filesystem::weakly_canonical(directory);
  model->name = canonical.has_filename() ? canonical.filename().string()
                                         : canonical.parent_path().filename().string();

  const auto rows = static_cast<size_t>(model->checkpoint->config().vocabulary);
  if (model->tokenizer->vocabulary_size() > rows) {
    throw Error::format(
        "{}: {} tokens, but the model has {} vocabulary rows: not this model's tokenizer",
        tokenizer_path.string(), model->tokenizer->vocabulary_size(), rows);
  }
  for (const std::string_view tag : kTags) {
    const auto id = model->tokenizer->token_id(tag);
    if (!id || !model->tokenizer->is_added(*id)) {
      throw Error::format("{}: no added token {}: not a conformer model", tokenizer_path.string(),
                          tag);
    }
  }
  const auto prefix = model->tokenizer->prefix_tokens();
  model->prompt_prefix.assign(prefix.begin(), prefix.end());
  const auto& eos = model->checkpoint->generation().end_of_sequence;
  model->end_of_sequence.assign(eos.begin(), eos.end());
  // Rows of the matrix beyond the tokenizer's ids, and gaps between these, stand for nothing.
  for (const TokenId id : model->end_of_sequence) {
    if (model->tokenizer->is_added(id) || !model->tokenizer->token_bytes(id).empty()) continue;
    throw Error::format("{}: end-of-sequence id {} is no token of {} ({} ids)", directory.string(),
                        id, tokenizer_path.filename().string(),
                        model->tokenizer->vocabulary_size());
  }
  make_templates(*model);
  if (!model->checkpoint->format().declared) {
    model->warning = fmt::format(
        "{}: no conformer_format.json; accepting both number dialects (0.5 and 0.5000), up to {} "
        "integer digits",
        directory.string(), model->checkpoint->format().numbers.max_integer_digits);
  }
  model->load_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return model;
}

std::shared_ptr<const Model> with_tokenizer(const std::shared_ptr<const Model>& model,
                                            const std::string& tokenizer) {
  if (tokenizer.empty()) return model;
  namespace fs = std::filesystem;
  const fs::path path = fs::is_regular_file(tokenizer) ? fs::path(tokenizer)
                                                       : find_model(tokenizer) / "tokenizer.json";
  auto out = std::make_shared<Model>(*model);
  out->tokenizer = Tokenizer::from_file(path);
  const auto rows = static_cast<size_t>(model->checkpoint->config().vocabulary);
  if (out->tokenizer->vocabulary_size() > rows) {
    throw Error::format("{}: {} tokens, but the model has {} vocabulary rows", path.string(),
                        out->tokenizer->vocabulary_size(), rows);
  }
  for (const std::string_view tag : kTags) {
    if (out->tokenizer->token_id(tag) != model->tokenizer->token_id(tag)) {
      throw Error::format("{}: {} is not the token that the model was trained with", path.string(),
                          tag);
    }
  }
  const auto prefix = out->tokenizer->prefix_tokens();
  out->prompt_prefix.assign(prefix.begin(), prefix.end());
  make_templates(*out);
  return out;
}

std::filesystem::path find_model(const std::string& name) {
  namespace fs = std::filesystem;
  if (is_directory_there(name)) return name;
  std::vector<fs::path> roots;
  if (const char* environment = std::getenv("MOLGEN3D_MODELS")) roots.emplace_back(environment);
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  if (!program.empty())
    roots.push_back(program.parent_path().parent_path() / "share/molgen3d/models");
  roots.emplace_back(MOLGEN3D_SOURCE_MODELS);
  std::vector<std::string> tried = {name};
  for (const fs::path& root : roots) {
    if (is_directory_there(root / name)) return root / name;
    tried.push_back((root / name).string());
  }
  if (is_present(name)) {
    // Says what it is, or why it cannot be opened.
    const std::string kind = foreign_kind(RegularFile(name).read(512));
    throw Error::format(
        "model {}: a file{}{}; a model is a directory that holds config.json, model.safetensors "
        "and "
        "tokenizer.json",
        in_quotes(name), kind.empty() ? "" : ", ", kind);
  }
  throw Error::format("model {} not found; looked at {}", in_quotes(name), fmt::join(tried, ", "));
}

}  // namespace molgen3d
