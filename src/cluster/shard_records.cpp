#include "cluster/shard_records.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace molgen3d {

namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMostBytes = size_t{1} << 27;

// Titles and bad lines may hold any bytes, JSON holds code points: each byte becomes one.
std::string bytes_as_text(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xc0 | (byte >> 6));
      out += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return out;
}

std::string text_as_bytes(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      out += text[i];
    } else if ((byte == 0xc2 || byte == 0xc3) && i + 1 < text.size()) {
      out += static_cast<char>((byte & 0x03) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3f));
    } else {
      throw Error("a character that stands for no byte");
    }
  }
  return out;
}

}  // namespace

std::string shard_line(const FedRecord& fed) {
  const InputRecord& record = fed.record;
  Json line = {{"i", record.index}, {"l", record.line}, {"s", bytes_as_text(fed.source)}};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) line[name] = bytes_as_text(value);
  };
  add("t", record.title);
  add("m", record.smiles);
  add("b", record.mol_block);
  add("c", record.cause);
  if (record.text != record.smiles) add("x", record.text);
  if (fed.repeat.value_or(0) > 0) line["r"] = *fed.repeat;
  return line.dump() + "\n";
}

ShardReader::ShardReader(const std::string& path) : path_(path), lines_(LineSource::file(path)) {}

bool ShardReader::next(FedRecord& fed) {
  std::string text;
  const LineSource::Status status = lines_.next(text, kMostBytes);
  if (status == LineSource::Status::kEnd) return false;
  const auto fail = [&](const std::string& cause) {
    throw Error::format("{}:{}: {}: no record of a shard: {}", path_, lines_.line_number(),
                        in_quotes(text), cause);
  };
  if (status != LineSource::Status::kLine) fail(lines_.error());
  try {
    const Json line = Json::parse(text);
    const auto get = [&](const char* name) {
      return text_as_bytes(line.value(name, std::string()));
    };
    fed = FedRecord();
    fed.record.index = line.at("i");
    fed.record.line = line.at("l");
    fed.source = get("s");
    fed.record.title = get("t");
    fed.record.smiles = get("m");
    fed.record.mol_block = get("b");
    fed.record.cause = get("c");
    fed.record.text = line.contains("x") ? get("x") : fed.record.smiles;
    fed.repeat = line.value("r", uint64_t{0});
  } catch (const Json::exception& error) {
    fail(error.what());
  } catch (const Error& error) {
    fail(error.what());
  }
  return true;
}

}  // namespace molgen3d
