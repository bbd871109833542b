// The page: what is asked for, what comes back, and who shows it.
import { conformerOf, layOn, lines } from "./records.js";
import { Sketch } from "./sketch.js";
import { Table, summary } from "./table.js";
import { View, legend } from "./view.js";

const $ = id => document.getElementById(id);
const SETTINGS = ["n", "seed", "temperature", "top_p", "geometry"];
const FLAGS = ["add_hydrogens", "etkdg"];

const state = { conformers: [], selected: null, running: null, view: null, sketch: null };
const table = new Table(conformer => select(conformer === state.selected ? null : conformer));

// ---- what is asked for: the form, and the link that holds it

function readLink() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  if (wanted.has("smiles")) $("smiles").value = wanted.get("smiles");
  for (const name of SETTINGS) if (wanted.has(name)) $(name).value = wanted.get(name);
  for (const name of FLAGS) $(name).checked = wanted.get(name) === "1";
  state.sketch?.show($("smiles").value.trim());
}

function linkOf() {
  const held = new URLSearchParams({ smiles: $("smiles").value.trim() });
  for (const name of SETTINGS) if ($(name).value !== "") held.set(name, $(name).value);
  for (const name of FLAGS) if ($(name).checked) held.set(name, "1");
  const link = new URL(location.href);
  link.hash = held.toString();
  return link.href;
}

function bodyOf() {
  const body = { smiles: $("smiles").value.trim(), n: Number($("n").value), seed: Number($("seed").value), format: "jsonl",
    with_sdf: true, geometry: $("geometry").value, add_hydrogens: $("add_hydrogens").checked };
  for (const name of ["temperature", "top_p"]) if ($(name).value !== "") body[name] = Number($(name).value);
  return body;
}

// ---- what comes back

function take(line, source) {
  const conformer = conformerOf(line, state.conformers.length + 1, source);
  const first = state.conformers.find(c => c.structure);
  layOn(conformer, first || conformer);
  state.conformers.push(conformer);
  table.add(conformer);
  scheduleDraw();
}

const shownConformers = () => state.conformers.filter(c => c.structure && c.placed);

let drawing = false;
function scheduleDraw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => { drawing = false; draw(); });
}

function draw() {
  const shown = shownConformers(), colour = $("colour").value;
  $("slider").max = shown.length;
  $("slider").disabled = shown.length === 0;
  $("slider").value = state.selected ? shown.indexOf(state.selected) + 1 : 0;
  $("shown").textContent = state.selected ? `#${state.selected.number} of ${shown.length}` : shown.length ? `all ${shown.length}` : "all";
  $("download").disabled = shown.length === 0;
  $("empty").hidden = state.conformers.length > 0;
  if (state.view) {
    state.view.draw(shown, state.selected, colour);
    $("viewer-note").hidden = shown.length > 0;
  }
  $("legend").replaceChildren(...legend(shown, colour).map(([value, words]) => {
    const entry = document.createElement("span"), dot = document.createElement("i");
    dot.style.background = value;
    entry.append(dot, words);
    return entry;
  }));
}

function select(conformer) {
  state.selected = conformer;
  table.select(conformer);
  draw();
}

function fail(message) {
  $("failure").textContent = message;
  $("failure").hidden = !message;
}

function clear() {
  state.conformers = [];
  state.selected = null;
  table.clear();
  state.view?.clear();
  fail("");
  draw();
}

async function collect(path, body, source, signal) {
  const options = { token: sessionStorage.getItem("molgen3d-token"), signal };
  for await (const line of lines(path, body, options)) {
    take(line, source);
    $("progress").value = state.conformers.length;
    $("count").textContent = summary(state.conformers);
  }
}

async function generate() {
  state.running?.abort();
  const running = state.running = new AbortController(), body = bodyOf(), began = performance.now();
  const compare = $("etkdg").checked;
  clear();
  history.replaceState(null, "", linkOf());
  $("progress").max = body.n * (compare ? 2 : 1);
  $("progress").value = 0;
  $("progress").hidden = $("stop").hidden = false;
  $("go").disabled = true;
  $("count").textContent = "waiting for the first";
  try {
    await collect("/v1/conformers", body, "model", running.signal);
    if (compare) {
      await collect("/v1/etkdg", { smiles: body.smiles, n: Math.min(body.n, 50), seed: body.seed % 2 ** 31,
        add_hydrogens: body.add_hydrogens }, "ETKDG", running.signal);
    }
    $("count").textContent = `${summary(state.conformers)}, ${((performance.now() - began) / 1000).toFixed(1)} s`;
  } catch (error) {
    if (error.status === 401) {
      $("token-row").hidden = false;
      $("token").focus();
    }
    $("count").textContent = state.conformers.length ? summary(state.conformers) : "";
    if (error.name === "AbortError") $("count").textContent += " (stopped)";
    else fail(error.message);
  } finally {
    if (state.running === running) {
      state.running = null;
      $("progress").hidden = $("stop").hidden = true;
      $("go").disabled = false;
    }
  }
}

function download() {
  const text = shownConformers().map(c => c.sdf).join("");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "chemical/x-mdl-sdfile" }));
  link.download = "conformers.sdf";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// ---- wiring

function say(words) {
  $("said").textContent = words;
}

async function copyLink() {
  const link = linkOf();
  history.replaceState(null, "", link);
  try {
    await navigator.clipboard.writeText(link);
    say("The link is copied; it holds SMILES, seed and settings.");
  } catch {
    say("The link is in the address bar; it holds SMILES, seed and settings.");
  }
}

function setSmiles(smiles) {
  $("smiles").value = smiles;
  state.sketch?.show(smiles);
}

function wire() {
  let typing = 0;
  $("smiles").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => state.sketch?.show($("smiles").value.trim()), 250);
  });
  $("ask").addEventListener("submit", event => {
    event.preventDefault();
    generate();
  });
  $("stop").addEventListener("click", () => state.running?.abort());
  $("dice").addEventListener("click", () => { $("seed").value = Math.floor(Math.random() * 1e9); });
  $("link").addEventListener("click", copyLink);
  $("download").addEventListener("click", download);
  $("token").addEventListener("change", () => sessionStorage.setItem("molgen3d-token", $("token").value));
  $("colour").addEventListener("change", draw);
  $("spin").addEventListener("change", () => state.view?.turn($("spin").checked));
  $("slider").addEventListener("input", () => select(shownConformers()[$("slider").value - 1] || null));
  for (const button of document.querySelectorAll("[data-smiles]"))
    button.addEventListener("click", () => setSmiles(button.dataset.smiles));
  addEventListener("hashchange", readLink);
}

async function start() {
  wire();
  readLink();
  const about = await (await fetch("/about.json")).json();
  $("model").textContent = about.model;
  $("model").hidden = false;
  $("n").max = about.most_samples;
  state.view = await View.create(about.viewer);
  if (about.sketch) state.sketch = await Sketch.create(smiles => { $("smiles").value = smiles; });
  else await Sketch.create(() => {});
  readLink();
  document.body.dataset.ready = "1";
}

start();
