// The 3D view: all conformers laid on each other, or one of them before the others. 3Dmol.js draws.
import { good } from "./records.js";

const GOOD = "#1b7f3b", BAD = "#c2410c", MODEL = "#0b62a8", ETKDG = "#b58900", FAINT = "#c9d0d8";

// A classic script of this server's; false when this build of the program has none.
function loadLibrary() {
  return new Promise(done => {
    const script = document.createElement("script");
    script.src = "/3dmol.js";
    script.addEventListener("load", () => done(true));
    script.addEventListener("error", () => done(false));
    document.head.append(script);
  });
}

// From dark blue (most probable) to yellow; `share` from 0 to 1.
function ramp(share) {
  const stops = [[33, 60, 120], [30, 130, 140], [95, 180, 90], [235, 200, 50]];
  const at = Math.min(Math.max(share, 0), 1) * (stops.length - 1), low = Math.min(Math.floor(at), stops.length - 2);
  return `rgb(${stops[low].map((v, k) => Math.round(v + (stops[low + 1][k] - v) * (at - low))).join(",")})`;
}

export class View {
  // Null, and why in `#viewer-note`, where nothing can be drawn: asked for here, because the library would find out by an
  // error on the console.
  static async create(viewers3d) {
    const note = document.getElementById("viewer-note");
    const context = typeof OffscreenCanvas === "undefined" ? null : new OffscreenCanvas(1, 1).getContext("webgl2");
    if (!context) {
      note.textContent = "This browser has no WebGL 2, so conformers are not drawn. The table below has them all, and they can be downloaded.";
      return null;
    }
    context.getExtension("WEBGL_lose_context")?.loseContext();
    if (!viewers3d || !await loadLibrary()) {
      note.textContent = "This server was built without its 3D viewer. The table below has all conformers, and they can be downloaded.";
      return null;
    }
    return new View();
  }

  constructor() {
    this.stage = document.getElementById("stage");
    this.view = $3Dmol.createViewer(this.stage, { backgroundColor: "white", antialias: true });
    this.fitted = false;
  }

  clear() {
    this.view.removeAllModels();
    this.view.render();
    this.fitted = false;
  }

  turn(on) {
    this.view.spin(on ? "y" : false, 0.6);
  }

  // `shown`: conformers with structures; `selected`: one of them, or null for all.
  draw(shown, selected, colouring) {
    const view = this.view, colourOf = this.colouring(shown, colouring);
    view.removeAllModels();
    for (const conformer of shown) {
      const front = selected === null || conformer === selected;
      const model = view.addModel();
      model.addAtoms(this.atoms(conformer));
      const radius = selected === null ? (shown.length > 1 ? 0.07 : 0.13) : 0.15;
      const colour = colourOf(conformer);
      const style = !front ? { line: { color: FAINT } }
        : colour ? { stick: { radius, color: colour } }
        : { stick: { radius } };
      model.setStyle({}, style);
      if (front && !colour)
        for (const [element, value] of Object.entries(ELEMENT_COLOURS)) model.setStyle({ elem: element }, { stick: { radius, color: value } });
    }
    if (!this.fitted && shown.length > 0) {
      view.zoomTo();
      this.fitted = true;
    }
    view.render();
    this.stage.dataset.models = shown.length;
  }

  colouring(shown, name) {
    if (name === "check") return c => good(c) ? GOOD : BAD;
    if (name === "source") return c => c.source === "ETKDG" ? ETKDG : MODEL;
    if (name === "probability") {
      const values = shown.map(c => c.logProbability).filter(v => v !== null);
      const low = Math.min(...values), span = Math.max(...values) - low || 1;
      return c => c.logProbability === null ? FAINT : ramp(1 - (c.logProbability - low) / span);
    }
    return () => null;
  }

  atoms({ structure, placed }) {
    const specs = structure.atoms.map((a, i) => ({ elem: a.element, index: i, serial: i, x: placed[i][0], y: placed[i][1],
      z: placed[i][2], bonds: [], bondOrder: [] }));
    for (const { a, b, order } of structure.bonds) {
      for (const [from, to] of [[a, b], [b, a]]) {
        specs[from].bonds.push(to);
        specs[from].bondOrder.push(order);
      }
    }
    return specs;
  }
}

// Colour and words for the line below the view.
export function legend(shown, name) {
  if (name === "check") return [[GOOD, "stereo and geometry hold"], [BAD, "something does not"]];
  if (name === "source") return [[MODEL, "model"], [ETKDG, "ETKDG"]];
  if (name === "probability") {
    const values = shown.map(c => c.logProbability).filter(v => v !== null);
    if (values.length === 0) return [];
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return [[ramp(0), `log p ${high.toFixed(1)} (most probable)`], [ramp(1), `log p ${low.toFixed(1)}`]];
  }
  const elements = [...new Set(shown.flatMap(c => c.structure.atoms.map(a => a.element)))];
  return elements.map(e => [ELEMENT_COLOURS[e] || "#8e44ad", e]);
}
