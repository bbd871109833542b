// The four tags around prompt and answer: the one place where they are spelled.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace molgen3d {

inline constexpr std::string_view kSmilesTag = "[SMILES]";
inline constexpr std::string_view kSmilesEndTag = "[/SMILES]";
inline constexpr std::string_view kConformerTag = "[CONFORMER]";
inline constexpr std::string_view kConformerEndTag = "[/CONFORMER]";
/// In the order of a whole text. Each is one added token of a conformer model's tokenizer.
inline constexpr std::array<std::string_view, 4> kTags = {kSmilesTag, kSmilesEndTag, kConformerTag,
                                                          kConformerEndTag};

/// `[SMILES]{smiles}[/SMILES]`
std::string prompt_text(std::string_view smiles);
/// `[CONFORMER]{enriched}[/CONFORMER]`
std::string conformer_text(std::string_view enriched);

/// Text between the first `open` and the first `close` after it; nothing when either is missing.
std::optional<std::string_view> extract_block(std::string_view text, std::string_view open,
                                              std::string_view close);
/// extract_block() between the conformer tags: the enriched text of an answer.
std::optional<std::string_view> conformer_of(std::string_view text);
/// What stands behind the prompt; all of `text` when no prompt ends in it.
std::string_view after_prompt(std::string_view text);
/// True when `answer` is one conformer with its tags and nothing else.
bool is_one_conformer(std::string_view answer);

}  // namespace molgen3d
