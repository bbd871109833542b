// molgen3d tokens: how tokenizers cut coordinates, isolated and in context.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/plain_text.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "constraint/token_budget.h"
#include "generation/model.h"
#include "text/tags.h"

namespace molgen3d {

namespace {

using Json = nlohmann::ordered_json;

// The blocks and the template of the study's tokenization tables.
const std::vector<std::string> kStudyTriples = {
    "0.0000,0.0000,0.0000", "0.5,1.2,0.3",           "-1.0,2.5,-0.7",         "1.234,-2.345,0.987",
    "-3.14,2.71,-1.61",     "12.345,-23.456,34.567", "-1.2345,0.9876,-5.4321"};
constexpr const char* kStudyTemplate = "[C]<0.0000,0.0000,0.0000>=[O]<0.0000,0.0000,0.0000>";
// In the order of the ids that the study gave them.
constexpr std::string_view kAddedTags[] = {kSmilesTag, kConformerTag, kSmilesEndTag,
                                           kConformerEndTag};

struct TokensOptions {
  std::vector<std::string> tokenizers;
  std::vector<std::string> triples;
  std::vector<std::string> templates;
  std::vector<std::string> list;
  std::string placeholder{kPlaceholder4};
  bool json = false;
};

struct NamedTokenizer {
  std::string name;
  std::shared_ptr<const Tokenizer> tokenizer;
  size_t added_tags = 0;
};

// A tokenizer.json, a directory with one, or the name of a shipped model. A tokenizer without the
// four tags gets them after its last id, as the study's training code does.
NamedTokenizer open_tokenizer(const std::string& name) {
  namespace fs = std::filesystem;
  const fs::path path =
      fs::is_regular_file(name) ? fs::path(name) : find_model(name) / "tokenizer.json";
  NamedTokenizer out;
  out.name = path.filename() == "tokenizer.json"
                 ? fs::weakly_canonical(path).parent_path().filename().string()
                 : path.filename().string();
  out.tokenizer = Tokenizer::from_file(path);
  std::vector<Tokenizer::AddedToken> missing;
  for (const std::string_view tag : kAddedTags) {
    const auto id = out.tokenizer->token_id(tag);
    if (id && out.tokenizer->is_added(*id)) continue;
    missing.push_back({static_cast<TokenId>(out.tokenizer->vocabulary_size() + missing.size()),
                       std::string(tag), false});
  }
  out.added_tags = missing.size();
  if (!missing.empty()) out.tokenizer = out.tokenizer->with_added_tokens(missing);
  return out;
}

Json report(const std::vector<NamedTokenizer>& tokenizers, const TokensOptions& options) {
  Json out;
  out["placeholder"] = options.placeholder;
  for (const NamedTokenizer& t : tokenizers) {
    Json entry = {{"name", t.name},
                  {"vocabulary", t.tokenizer->vocabulary_size()},
                  {"tags_added_here", t.added_tags}};
    for (const std::string& triple : options.triples) {
      const TripleCost cost = triple_cost(*t.tokenizer, triple, options.placeholder);
      entry["blocks"].push_back({{"block", "<" + triple + ">"},
                                 {"isolated", cost.isolated},
                                 {"drift_isolated", cost.drift_isolated},
                                 {"in_context", cost.in_context},
                                 {"drift_in_context", cost.drift_in_context}});
    }
    for (const std::string& text : options.templates) {
      const auto uses = list_tokens(*t.tokenizer, text);
      const size_t free = count_free(uses);
      entry["skeletons"].push_back(
          {{"text", text}, {"tokens", uses.size()}, {"free", free}, {"copy", uses.size() - free}});
    }
    for (const std::string& text : options.list) {
      Json tokens = Json::array();
      for (const TokenUse& use : list_tokens(*t.tokenizer, text)) {
        tokens.push_back({{"id", use.id},
                          {"text", text.substr(use.span.begin, use.span.end - use.span.begin)},
                          {"free", use.free}});
      }
      entry["lists"].push_back({{"text", text}, {"tokens", tokens}});
    }
    out["tokenizers"].push_back(std::move(entry));
  }
  return out;
}

std::string cell(const Json& block, const char* count, const char* drift) {
  return fmt::format("{} ({:+})", block[count].get<size_t>(), block[drift].get<int>());
}

void print_text(const Json& data) {
  const Json& tokenizers = data["tokenizers"];
  for (const Json& t : tokenizers) {
    const auto added = t["tags_added_here"].get<size_t>();
    fmt::print("{}: {} tokens{}\n", t["name"].get<std::string>(), t["vocabulary"].get<size_t>(),
               added > 0 ? fmt::format(" ({} tags added here)", added) : "");
  }
  const auto header = [&](const char* what, int width) {
    fmt::print("\n{:<{}}", what, width);
    for (const Json& t : tokenizers) fmt::print("  {:<28.28}", t["name"].get<std::string>());
  };
  if (tokenizers[0].contains("blocks")) {
    header(
        fmt::format("tokens (drift against <{}>)", data["placeholder"].get<std::string>()).c_str(),
        52);
    fmt::print("\n{:<52}", "");
    for (size_t t = 0; t < tokenizers.size(); ++t)
      fmt::print("  {:<14}{:<14}", "isolated", "in context");
    for (size_t b = 0; b < tokenizers[0]["blocks"].size(); ++b) {
      fmt::print("\n{:<52}", tokenizers[0]["blocks"][b]["block"].get<std::string>());
      for (const Json& t : tokenizers) {
        fmt::print("  {:<14}{:<14}", cell(t["blocks"][b], "isolated", "drift_isolated"),
                   cell(t["blocks"][b], "in_context", "drift_in_context"));
      }
    }
    fmt::print(
        "\nisolated: the block encoded alone, brackets included; in context: the tokens between "
        "the brackets in an answer\n");
  }
  if (tokenizers[0].contains("skeletons")) {
    header("skeleton", 52);
    for (size_t s = 0; s < tokenizers[0]["skeletons"].size(); ++s) {
      fmt::print("\n{:<52}", tokenizers[0]["skeletons"][s]["text"].get<std::string>());
      for (const Json& t : tokenizers) {
        const Json& entry = t["skeletons"][s];
        fmt::print("  {:<28}",
                   fmt::format("{}: {} FREE, {} COPY", entry["tokens"].get<size_t>(),
                               entry["free"].get<size_t>(), entry["copy"].get<size_t>()));
      }
    }
    fmt::print("\n");
  }
  for (const Json& t : tokenizers) {
    if (!t.contains("lists")) continue;
    for (const Json& list : t["lists"]) {
      fmt::print("\n{}: {}\n", t["name"].get<std::string>(),
                 with_controls_escaped(list["text"].get<std::string>()));
      for (const Json& token : list["tokens"]) {
        fmt::print("{:>8}  {}  {}\n", token["id"].get<TokenId>(),
                   token["free"].get<bool>() ? "FREE" : "COPY",
                   with_controls_escaped(token["text"].get<std::string>()));
      }
    }
  }
}

int run_tokens(TokensOptions options) {
  // Something named: just that. Nothing named: the study's tables.
  if (options.triples.empty() && options.templates.empty() && options.list.empty()) {
    options.triples = kStudyTriples;
    options.templates = {kStudyTemplate};
  }
  std::vector<NamedTokenizer> tokenizers;
  for (const std::string& name : options.tokenizers) tokenizers.push_back(open_tokenizer(name));
  const Json data = report(tokenizers, options);
  if (options.json) {
    fmt::print("{}\n", json_without_controls(
                           data.dump(1, ' ', false, nlohmann::detail::error_handler_t::replace)));
  } else {
    print_text(data);
  }
  return kExitDone;
}

}  // namespace

void add_tokens_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<TokensOptions>();
  options->tokenizers = {"qwen3-conformer", "llama-conformer-undertrained"};
  CLI::App* command = app.add_subcommand(
      "tokens",
      "Count the tokens of coordinates, isolated and in context, in one or more tokenizers.\n"
      "Example: molgen3d tokens --tokenizer qwen3-conformer --tokenizer "
      "llama-conformer-undertrained");
  command
      ->add_option("--tokenizer", options->tokenizers,
                   "tokenizer.json, a directory with one, or a shipped model; repeatable")
      ->capture_default_str();
  command->add_option("--block", options->triples,
                      "Coordinates x,y,z; repeatable [default: the study's table]");
  command->add_option("--skeleton", options->templates,
                      "Enriched text to count FREE and COPY tokens of; repeatable");
  command->add_option("--list", options->list, "Text to list token by token; repeatable");
  command->add_option("--placeholder", options->placeholder, "What drift is measured against")
      ->capture_default_str();
  command->add_flag("--json", options->json, "For machines");
  command->callback([options, &exit_code] { exit_code = run_tokens(*options); });
}

}  // namespace molgen3d
