// What OpenAI's client, unmodified, makes of a server: node openai_client.mjs BASE_URL
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "none", maxRetries: 0 });
const ask = { model: "qwen3-conformer", prompt: "[SMILES]CC(=O)Oc1ccccc1C(=O)O[/SMILES]", n: 2, seed: 7 };
const models = (await client.models.list()).data.map(model => model.id);
const whole = await client.completions.create(ask);

const streamed = ["", ""];
let pieces = 0, streamedUsage = null;
for await (const part of await client.completions.create({ ...ask, stream: true, stream_options: { include_usage: true } })) {
  for (const choice of part.choices) {
    streamed[choice.index] += choice.text;
    pieces++;
  }
  streamedUsage = part.usage ?? streamedUsage;
}

const one = async more => (await client.completions.create({ ...ask, n: 1, ...more })).choices[0];
const stopped = await one({ stop: [">"] }), short = await one({ max_tokens: 5 });
let refused = null;
try {
  await client.completions.create({ ...ask, logprobs: 5 });
} catch (error) {
  refused = [error.status, error instanceof OpenAI.BadRequestError];
}
console.log(JSON.stringify({ models, whole, streamed, pieces, streamedUsage, refused,
  stopped: { text: stopped.text, finish_reason: stopped.finish_reason }, short }));
