// A small viewer of molecules: sticks and atoms on a canvas, turned with the mouse or a finger.
"use strict";
const ELEMENT_COLOURS = { C: "#505050", N: "#2b50d8", O: "#d8261c", S: "#b58900", P: "#d9730d",
  F: "#2f9e44", Cl: "#2f9e44", Br: "#8f2d0d", I: "#6a1b9a", B: "#d98880", Si: "#a08050", H: "#a0a0a0" };
const OFF = "#d1007a", JUNK = "#e67700", REFERENCE = "#b8bec6";

// Atoms and bonds of an answer: `[C]<x,y,z>` atoms, SMILES bonds, branches and rings around them.
// Numbers are read as the study reads them: the last one in each of three fields.
function parseEnriched(text) {
  const atoms = [], bonds = [], rings = new Map(), branches = [];
  const token = /\[([^\]]*)\]<([^>]*)>|%(\d\d)|([=#:\/\\-])|(\()|(\))|(\d)|(\.)/y;
  let previous = -1, order = "";
  while (token.lastIndex < text.length) {
    const at = token.lastIndex, match = token.exec(text);
    if (!match) { token.lastIndex = at + 1; continue; }
    if (match[1] !== undefined) {
      const fields = match[2].split(",").map(f => {
        const numbers = f.match(/[-+]?(?:\d+\.?\d*|\.\d+)/g);
        return numbers ? Number(numbers[numbers.length - 1]) : NaN;
      });
      const symbol = /^\d*([A-Z][a-z]?|[a-z]+)/.exec(match[1].replace(/H\d*.*$/, "") || match[1]);
      let element = symbol ? symbol[1] : "C";
      if (element.length === 2 && !ELEMENT_COLOURS[element] && !/^(Se|se|As|as|Li|Na|Mg|Al|Ca|Fe|Zn|Cu|Pt|Sn|Te|te)$/.test(element)) element = element[0];
      const aromatic = element[0] === element[0].toLowerCase();
      element = element[0].toUpperCase() + element.slice(1);
      const plain = /^-?\d+(\.\d*)?,-?\d+(\.\d*)?,-?\d+(\.\d*)?$/.test(match[2]);
      atoms.push({ element, aromatic, p: fields.slice(0, 3), junk: !plain });
      const here = atoms.length - 1;
      if (previous >= 0) bonds.push({ a: previous, b: here, order });
      previous = here; order = "";
    } else if (match[3] || match[7]) {
      const ring = match[3] || match[7], open = rings.get(ring);
      if (open === undefined) rings.set(ring, { atom: previous, order });
      else { bonds.push({ a: open.atom, b: previous, order: open.order || order }); rings.delete(ring); }
      order = "";
    } else if (match[4]) order = match[4];
    else if (match[5]) branches.push(previous);
    else if (match[6]) previous = branches.length ? branches.pop() : previous;
    else if (match[8]) { previous = -1; order = ""; }
  }
  return { atoms, bonds };
}

// Rotation (rows) and shift that lay `points` best on `target` (Horn 1987: the largest eigenvector of
// a symmetric 4 x 4 matrix, here by power iteration on the shifted matrix).
function superpose(points, target) {
  const n = points.length, mean = s => [0, 1, 2].map(k => s.reduce((a, p) => a + p[k], 0) / n);
  const cp = mean(points), ct = mean(target), S = [[0, 0, 0], [0, 0, 0], [0, 0, 0]];
  let norm = 0;
  for (let i = 0; i < n; i++) {
    for (let a = 0; a < 3; a++) for (let b = 0; b < 3; b++)
      S[a][b] += (points[i][a] - cp[a]) * (target[i][b] - ct[b]);
    for (let a = 0; a < 3; a++) norm += (points[i][a] - cp[a]) ** 2 + (target[i][a] - ct[a]) ** 2;
  }
  const [[xx, xy, xz], [yx, yy, yz], [zx, zy, zz]] = S;
  const K = [[xx + yy + zz, yz - zy, zx - xz, xy - yx], [yz - zy, xx - yy - zz, xy + yx, zx + xz],
    [zx - xz, xy + yx, yy - xx - zz, yz + zy], [xy - yx, zx + xz, yz + zy, zz - xx - yy]];
  let q = [1, 0.1, 0.2, 0.3];
  for (let step = 0; step < 500; step++) {
    const next = K.map((row, i) => row.reduce((s, v, j) => s + v * q[j], norm * q[i]));
    const length = Math.hypot(...next) || 1;
    q = next.map(v => v / length);
  }
  const [w, x, y, z] = q;
  const R = [[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
    [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
    [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]];
  return points.map(p => R.map((row, k) => row.reduce((s, v, j) => s + v * (p[j] - cp[j]), ct[k])));
}

class Viewer {
  constructor(canvas) {
    this.canvas = canvas;
    this.turn = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
    this.zoom = 1;
    this.molecule = null;
    this.byCheck = true;
    let last = null;
    canvas.addEventListener("pointerdown", e => { last = [e.clientX, e.clientY]; canvas.setPointerCapture(e.pointerId); });
    canvas.addEventListener("pointermove", e => {
      if (!last) return;
      this.rotate((e.clientX - last[0]) * 0.01, (e.clientY - last[1]) * 0.01);
      last = [e.clientX, e.clientY];
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { last = null; });
    canvas.addEventListener("wheel", e => {
      e.preventDefault();
      this.zoom = Math.min(8, Math.max(0.2, this.zoom * Math.exp(-e.deltaY * 0.001)));
      this.draw();
    }, { passive: false });
    new ResizeObserver(() => this.draw()).observe(canvas);
  }
  rotate(dx, dy) {
    const [cx, sx, cy, sy] = [Math.cos(dx), Math.sin(dx), Math.cos(dy), Math.sin(dy)];
    const M = [[cx, 0, sx], [sx * sy, cy, -cx * sy], [-sx * cy, sy, cx * cy]];
    this.turn = M.map(row => [0, 1, 2].map(k => row.reduce((s, v, j) => s + v * this.turn[j][k], 0)));
    this.draw();
  }
  reset() { this.turn = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]; this.zoom = 1; this.draw(); }
  // offBonds: [[a, b, length, expected], ...]; reference: positions in the same order, or nothing.
  show(text, offBonds, reference) {
    const molecule = parseEnriched(text);
    const good = molecule.atoms.filter(a => a.p.length === 3 && a.p.every(Number.isFinite));
    molecule.centre = [0, 1, 2].map(k => good.reduce((s, a) => s + a.p[k], 0) / (good.length || 1));
    molecule.radius = Math.max(1.5, ...good.map(a => Math.hypot(...a.p.map((v, k) => v - molecule.centre[k]))));
    const off = new Map((offBonds || []).map(b => [Math.min(b[0], b[1]) + "-" + Math.max(b[0], b[1]), b]));
    for (const b of molecule.bonds) b.off = off.get(Math.min(b.a, b.b) + "-" + Math.max(b.a, b.b));
    if (reference && reference.length === molecule.atoms.length && good.length === reference.length)
      molecule.reference = superpose(reference, molecule.atoms.map(a => a.p));
    this.molecule = molecule;
    this.draw();
  }
  draw() {
    const canvas = this.canvas, ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight, g = canvas.getContext("2d");
    canvas.width = Math.max(1, Math.round(width * ratio));
    canvas.height = Math.max(1, Math.round(height * ratio));
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.fillStyle = "#ffffff";
    g.fillRect(0, 0, width, height);
    const m = this.molecule;
    if (!m || !m.atoms.length) {
      g.fillStyle = "#666"; g.font = "14px sans-serif"; g.textAlign = "center";
      g.fillText("no structure can be drawn", width / 2, height / 2);
      return;
    }
    const scale = 0.44 * Math.min(width, height) / m.radius * this.zoom;
    const place = p => {
      const v = this.turn.map(row => row.reduce((s, c, k) => s + c * (p[k] - m.centre[k]), 0));
      return { x: width / 2 + v[0] * scale, y: height / 2 - v[1] * scale, z: v[2], ok: v.every(Number.isFinite) };
    };
    const at = m.atoms.map(a => place(a.p)), work = [];
    const lineWidth = Math.max(1.5, Math.min(7, 0.13 * scale));
    const line = (a, b, colour, w, dash) => {
      g.strokeStyle = colour; g.lineWidth = w; g.lineCap = "round"; g.setLineDash(dash || []);
      g.beginPath(); g.moveTo(a.x, a.y); g.lineTo(b.x, b.y); g.stroke(); g.setLineDash([]);
    };
    const colour = a => this.byCheck && a.junk ? JUNK : ELEMENT_COLOURS[a.element] || "#8e44ad";
    if (m.reference) {
      const ref = m.reference.map(place);
      for (const b of m.bonds) if (ref[b.a].ok && ref[b.b].ok)
        work.push({ z: (ref[b.a].z + ref[b.b].z) / 2 - 0.01, go: () => line(ref[b.a], ref[b.b], REFERENCE, lineWidth * 0.8) });
    }
    for (const b of m.bonds) {
      const p = at[b.a], q = at[b.b];
      if (!p || !q || !p.ok || !q.ok) continue;
      const marked = this.byCheck && b.off;
      work.push({ z: (p.z + q.z) / 2, go: () => {
        const middle = { x: (p.x + q.x) / 2, y: (p.y + q.y) / 2 }, length = Math.hypot(q.x - p.x, q.y - p.y) || 1;
        const nx = -(q.y - p.y) / length * lineWidth * 0.75, ny = (q.x - p.x) / length * lineWidth * 0.75;
        const aromatic = m.atoms[b.a].aromatic && m.atoms[b.b].aromatic && !b.order;
        const shifts = b.order === "#" ? [-1.5, 0, 1.5] : b.order === "=" || aromatic ? [-1, 1] : [0];
        shifts.forEach((s, i) => {
          const moved = v => ({ x: v.x + nx * s, y: v.y + ny * s });
          const w = shifts.length > 1 ? lineWidth * 0.62 : lineWidth, dash = aromatic && i ? [w, 2.2 * w] : [];
          line(moved(p), moved(middle), marked ? OFF : colour(m.atoms[b.a]), w, dash);
          line(moved(middle), moved(q), marked ? OFF : colour(m.atoms[b.b]), w, dash);
        });
        if (marked) {
          g.font = "11px sans-serif"; g.textAlign = "center"; g.fillStyle = OFF;
          g.fillText(b.off[2] === null ? "?" : b.off[2].toFixed(2) + " \u00c5", middle.x, middle.y - lineWidth - 2);
        }
      } });
    }
    m.atoms.forEach((a, i) => {
      if (!at[i].ok) return;
      work.push({ z: at[i].z + 0.05, go: () => {
        const bare = a.element === "C" && !(this.byCheck && a.junk);
        g.fillStyle = colour(a);
        g.beginPath(); g.arc(at[i].x, at[i].y, bare ? lineWidth * 0.62 : lineWidth * 1.35, 0, 2 * Math.PI); g.fill();
        const size = Math.min(13, lineWidth * (a.element.length > 1 ? 1.5 : 1.9));
        if (!bare && size >= 7) {
          g.font = "bold " + size + "px sans-serif";
          g.textAlign = "center"; g.textBaseline = "middle"; g.fillStyle = "#fff";
          g.fillText(a.element, at[i].x, at[i].y); g.textBaseline = "alphabetic";
        }
      } });
    });
    work.sort((a, b) => a.z - b.z).forEach(w => w.go());
    const bar = 2 * scale;  // a scale bar of 2 A
    line({ x: 12, y: height - 12 }, { x: 12 + bar, y: height - 12 }, "#333", 2);
    g.font = "11px sans-serif"; g.textAlign = "left"; g.fillStyle = "#333";
    g.fillText("2 \u00c5", 12, height - 18);
  }
}
