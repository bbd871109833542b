// Writes expected.json: ids by @huggingface/tokenizers 0.2.0 for the texts below and every small
// tokenizer of this folder. usage: node make_expected.mjs ../../../build/npm/node_modules
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const entry = resolve(process.argv[2], "@huggingface/tokenizers/dist/tokenizers.mjs");
const { Tokenizer } = await import(pathToFileURL(entry));
const texts = [
  "C",
  "[SMILES]CC(=O)[O-][/SMILES][CONFORMER][C]<-1.2034,0.5,0>[C@@H]<10.7704,-3.0207,0.0101>(=[O]<0,1,-2>)[/CONFORMER]",
  "[C]<1.2034,-0.5000,12.0110>=[nH]<-0.0001,.5,-7>1[s]<987,65,4321>",
  "The molecule's shape ISN'T fixed; we'll see  987654 energetic energies\n\n  \t done. ",
  "don't DON'T 'Re they've a'mb",
  "123 4567  89x 0",
  "\r\n \n  x\n\n",
];
const wide = ["na\u00efve e\u0301 \u1100\u1161\u11a8 \u5206\u5b50 \ud83e\uddea\u200d \u0661\u0662 \u00bd\u00b2",
              "\u00a0\u3000\u0085 a\u2028b \u0000\u001f"];
const golden = {};
for (const name of ["qwen_like", "llama_like", "gpt2_like", "characters"]) {
  const json = JSON.parse(readFileSync(`${name}.json`, "utf8"));
  const tokenizer = new Tokenizer(json, {});
  // Characters without a token are out of the reference's reach: it has no unk to give.
  const usable = name === "characters" ? texts.filter((t) => /^[ -~]*$/.test(t)) : [...texts, ...wide];
  golden[name] = usable.map((text) => ({
    text,
    ids: tokenizer.encode(text, { add_special_tokens: false }).ids,
  }));
}
const rows = Object.entries(golden).map(
  ([name, cases]) => `"${name}":[\n${cases.map((c) => JSON.stringify(c)).join(",\n")}]`);
writeFileSync("expected.json", `{${rows.join(",\n")}}\n`);
