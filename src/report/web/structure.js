// Answers as structures: atoms, bonds, colours, and a reference laid on a sample.
"use strict";
const ELEMENT_COLOURS = { C: "#505050", N: "#2b50d8", O: "#d8261c", S: "#b58900", P: "#d9730d",
  F: "#2f9e44", Cl: "#2f9e44", Br: "#8f2d0d", I: "#6a1b9a", B: "#d98880", Si: "#a08050", H: "#a0a0a0" };
const OFF = "#d1007a", JUNK = "#e67700", REFERENCE = "#b8bec6";
const elementColour = element => ELEMENT_COLOURS[element] || "#8e44ad";

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
