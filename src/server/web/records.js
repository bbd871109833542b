// What the server sends, as the page keeps it: one object for each conformer.

// Lines of a JSON-lines answer as they come. Throws an Error with the server's words when there is no such answer.
export async function* lines(path, body, { token, signal }) {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = "Bearer " + token;
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body), signal });
  if (!answer.ok) {
    const text = await answer.text();
    let message = text;
    try { message = JSON.parse(text).error.message; } catch { /* not JSON: the text itself */ }
    const wait = answer.headers.get("Retry-After");
    const error = new Error(wait ? `${message} (in ${wait} s)` : message);
    error.status = answer.status;
    throw error;
  }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { value, done } = await reader.read();
    if (done) break;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    for (const part of parts) yield JSON.parse(part);
  }
}

// A mol block (V2000) as atoms and bonds; null where there is none.
export function parseMolBlock(text) {
  const rows = text.split(/\r?\n/), counts = rows[3] || "";
  const atomCount = Number(counts.slice(0, 3)), bondCount = Number(counts.slice(3, 6));
  if (!counts.includes("V2000") || !(atomCount > 0)) return null;
  const atoms = rows.slice(4, 4 + atomCount).map(row => ({
    element: row.slice(31, 34).trim(),
    p: [0, 10, 20].map(at => Number(row.slice(at, at + 10))) }));
  const bonds = rows.slice(4 + atomCount, 4 + atomCount + bondCount).map(row => ({
    a: Number(row.slice(0, 3)) - 1, b: Number(row.slice(3, 6)) - 1, order: Number(row.slice(6, 9)) }));
  return { atoms, bonds };
}

// One line of /v1/conformers or /v1/etkdg.
export function conformerOf(line, number, source) {
  const out = { number, source, ok: !line.error, error: line.error || "", stereo: line.stereo || "",
    redraws: null, inside: null, logProbability: line.log_probability ?? null, energy: line.energy ?? null,
    rmsd: null, sdf: line.sdf || "" };
  if (line.geometry) {
    out.inside = line.geometry.satisfied;
    out.redraws = line.geometry.redraws;
  }
  out.structure = out.sdf ? parseMolBlock(out.sdf) : null;
  return out;
}

export const stereoGood = text => text === "ok" || text === "none specified";
// Whether all that was asked for holds.
export const good = c => c.ok && c.inside !== false && stereoGood(c.stereo.split(";")[0]);

const heavy = structure => structure.atoms.filter(a => a.element !== "H").map(a => a.p);

// Lays `conformer` on `first` by its heavy atoms; leaves the distance (Angstrom) and the places of all atoms.
export function layOn(conformer, first) {
  if (!conformer.structure) return;
  const all = conformer.structure.atoms.map(a => a.p);
  conformer.placed = all;
  if (!first || first === conformer) { conformer.rmsd = 0; return; }
  const points = heavy(conformer.structure), target = heavy(first.structure);
  if (points.length !== target.length) return;
  if (points.length < 3) {
    const shift = [0, 1, 2].map(k => target[0][k] - points[0][k]);
    conformer.placed = all.map(p => p.map((v, k) => v + shift[k]));
    return;
  }
  // Hydrogens go where the heavy atoms carry them: the same rotation, from three moved points.
  const laid = superpose(points, target);
  conformer.rmsd = Math.sqrt(laid.reduce((s, p, i) => s + p.reduce((d, v, k) => d + (v - target[i][k]) ** 2, 0), 0) / laid.length);
  conformer.placed = all.length === points.length ? laid : superposeAll(all, points, target);
}

// superpose() moves only what it fits; its motion, found from the unit vectors, moves the rest.
function superposeAll(all, points, target) {
  const centre = [0, 1, 2].map(k => points.reduce((s, p) => s + p[k], 0) / points.length);
  const laid = superpose(points, target);
  const shift = [0, 1, 2].map(k => laid.reduce((s, p) => s + p[k], 0) / laid.length);
  const frame = rotationOf(points.map(p => p.map((v, k) => v - centre[k])), laid.map(p => p.map((v, k) => v - shift[k])));
  return all.map(p => frame.map((row, k) => row.reduce((s, v, j) => s + v * (p[j] - centre[j]), shift[k])));
}

const cross = ([a, b, c], [d, e, f]) => [b * f - c * e, c * d - a * f, a * e - b * d];
const unit = v => { const length = Math.hypot(...v); return length > 1e-6 ? v.map(x => x / length) : null; };

// Rows of the rotation that takes the vectors `from` to `to` (exactly, for they are rigid).
function rotationOf(from, to) {
  for (let i = 0; i < from.length; i++) {
    for (let j = i + 1; j < from.length; j++) {
      const axes = [from, to].map(v => {
        const x = unit(v[i]), z = x && unit(cross(v[i], v[j]));
        return z && Math.hypot(...cross(v[i], v[j])) > 1e-2 ? [x, cross(z, x), z] : null;
      });
      if (axes[0] && axes[1])
        return [0, 1, 2].map(r => [0, 1, 2].map(c => [0, 1, 2].reduce((s, k) => s + axes[1][k][r] * axes[0][k][c], 0)));
    }
  }
  return [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
}
