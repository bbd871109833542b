// The 3D view of one sample: 3Dmol.js draws and turns what this hands to it.
"use strict";

// Runs the library that the page carries compressed; false when this build of the page has none.
async function loadViewerLibrary() {
  const packed = $("viewer-library");
  if (!packed) return false;
  const script = document.createElement("script");
  script.textContent = await inflated(packed.textContent, "gzip");
  document.head.append(script);
  return true;
}

const ATOM_LABELS = { none: () => "", elements: a => a.element === "C" ? "" : a.element,
  numbers: (a, i) => a.element + (i + 1) };

class Viewer {
  // Null where the browser has no WebGL 2. Asked for here because the library would find that out by an error on
  // the console; the context of the question is given back, so that the library's is the only one.
  static create() {
    if (typeof OffscreenCanvas === "undefined") return null;
    const context = new OffscreenCanvas(1, 1).getContext("webgl2");
    if (!context) return null;
    context.getExtension("WEBGL_lose_context")?.loseContext();
    return new Viewer();
  }

  constructor() {
    // Orthographic: lengths can be compared, and one scale bar holds for the whole picture.
    this.view = $3Dmol.createViewer($("stage"), { backgroundColor: "white", antialias: true, orthographic: true,
      disableFog: true });
    this.start = this.view.getView();
    this.byCheck = true;
    this.labels = "elements";
    this.molecule = { atoms: [], bonds: [] };
    this.view.setViewChangeCallback(() => this.moved());
    addEventListener("beforeprint", () => this.takePicture());
  }

  // offBonds: [[a, b, length, expected], ...]; reference: positions in the same order, or nothing.
  show(text, offBonds, reference) {
    const molecule = parseEnriched(text), { atoms, bonds } = molecule;
    for (const a of atoms) a.placed = a.p.length === 3 && a.p.every(Number.isFinite);
    const key = (a, b) => Math.min(a, b) + "-" + Math.max(a, b);
    const off = new Map((offBonds || []).map(b => [key(b[0], b[1]), b]));
    molecule.bonds = bonds.filter(b => atoms[b.a] && atoms[b.b] && atoms[b.a].placed && atoms[b.b].placed);
    for (const b of molecule.bonds) b.off = off.get(key(b.a, b.b));
    if (reference && reference.length === atoms.length && atoms.every(a => a.placed))
      molecule.reference = superpose(reference, atoms.map(a => a.p));
    this.molecule = molecule;
    this.draw();
    this.fit();
  }

  reset() {
    this.view.setView(this.start);
    this.fit();
  }

  // The library's own fit leaves room for a view in perspective.
  fit() {
    this.view.zoomTo();
    this.view.zoom(1.8);
  }

  draw() {
    const { atoms, bonds, reference } = this.molecule, view = this.view;
    const colour = a => this.byCheck && a.junk ? JUNK : elementColour(a.element);
    view.removeAllModels();
    view.removeAllLabels();
    this.add(atoms, bonds, a => a.p, a => ({ color: colour(a), style: { stick: { radius: 0.13 },
      sphere: { radius: a.element === "C" && colour(a) !== JUNK ? 0.17 : 0.27 } } }), b => this.byCheck && b.off ? OFF : null);
    if (reference)
      this.add(atoms, bonds, (a, i) => reference[i], () => ({ color: REFERENCE, style: { stick: { radius: 0.08 } } }), () => null);
    const text = ATOM_LABELS[this.labels];
    atoms.forEach((a, i) => {
      if (!a.placed || !text(a, i)) return;
      if (this.labels === "elements") this.label(text(a, i), a.p, "white", 0);  // fits on the sphere
      else this.label(text(a, i), a.p, "#1c2430", 11);
    });
    if (this.byCheck) for (const b of bonds.filter(bond => bond.off)) {
      const [p, q] = [atoms[b.a].p, atoms[b.b].p];
      this.label(b.off[2] === null ? "?" : b.off[2].toFixed(2) + " \u00c5", p.map((v, k) => (v + q[k]) / 2), OFF, 16);
    }
    $("viewer-note").textContent = atoms.some(a => a.placed) ? "" : "No structure can be drawn from this answer.";
    view.render();
  }

  // One model: all placed atoms, `looks` gives colour and style, `bondColour` null for that of the atoms.
  add(atoms, bonds, place, looks, bondColour) {
    const specs = atoms.map((a, i) => {
      const [x, y, z] = place(a, i);
      return { elem: a.element, index: i, serial: i, x, y, z, bonds: [], bondOrder: [], bondStyles: [], ...looks(a) };
    });
    for (const b of bonds) {
      const both = atoms[b.a].aromatic && atoms[b.b].aromatic && !b.order;
      const order = b.order === "#" ? 3 : b.order === "=" ? 2 : b.order === ":" || both ? 4 : 1;  // 4: aromatic
      const marked = bondColour(b);
      for (const [from, to] of [[b.a, b.b], [b.b, b.a]]) {
        specs[from].bonds.push(to);
        specs[from].bondOrder.push(order);
        specs[from].bondStyles.push(marked ? { color1: marked, color2: marked } : {});
      }
    }
    this.view.addModel().addAtoms(specs.filter((s, i) => atoms[i].placed));
  }

  // `above`: distance from the point in pixels.
  label(text, [x, y, z], fontColor, above) {
    this.view.addLabel(text, { position: { x, y, z }, alignment: "center", screenOffset: { x: 0, y: above }, fontSize: 12,
      bold: true, fontColor, padding: 0, showBackground: above > 0,
      backgroundColor: "white", backgroundOpacity: 0.5, inFront: true });
  }

  // Keeps the scale bar true and, once the view rests, the picture that is printed in its place.
  moved() {
    const [o, ...ends] = this.view.modelToScreen([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]].map(([x, y, z]) => ({ x, y, z })));
    const pixels = Math.hypot(...ends.map(e => e.x - o.x)), width = $("stage").clientWidth;
    if (width > 0 && pixels > 0) {
      const longest = 0.3 * width / pixels, power = 10 ** Math.floor(Math.log10(longest));
      const span = [5, 2, 1].find(k => k * power <= longest) * power;  // Angstrom
      $("scale").style.width = 100 * span * pixels / width + "%";
      $("scale").textContent = Number(span.toPrecision(1)) + " \u00c5";
    }
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.takePicture(), 200);
  }

  takePicture() {
    clearTimeout(this.resting);
    $("picture").src = this.view.pngURI();
  }
}
