// Encodes every line of a file of JSON strings with @huggingface/tokenizers.
// usage: node encode.mjs NODE_MODULES TOKENIZER_JSON EXTRA_ADDED_TOKENS_JSON LINES IDS
import { createReadStream, createWriteStream, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [modules, tokenizerPath, extra, lines, ids] = process.argv.slice(2);
const entry = `${modules}/@huggingface/tokenizers/dist/tokenizers.mjs`;
const { Tokenizer } = await import(pathToFileURL(entry));
const json = JSON.parse(readFileSync(tokenizerPath, "utf8"));
json.added_tokens.push(...JSON.parse(extra));
const tokenizer = new Tokenizer(json, {});
const out = createWriteStream(ids);
for await (const line of createInterface({ input: createReadStream(lines) })) {
  const text = JSON.parse(line);
  const tokens = text === "" ? [] : tokenizer.encode(text, { add_special_tokens: false }).ids;
  out.write(tokens.join(" ") + "\n");
}
out.end();
