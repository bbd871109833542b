// The table of verdicts: sorted by any column, a row shows its conformer.
import { good, stereoGood } from "./records.js";

const fixed = (value, digits) => value === null || value === undefined ? "" : value.toFixed(digits);
const COLUMNS = [
  { name: "#", value: c => c.number, text: c => String(c.number) },
  { name: "Source", left: true, value: c => c.source, text: c => c.source },
  { name: "Stereo", left: true, value: c => c.ok ? c.stereo : "~" + c.error, text: c => c.ok ? c.stereo : c.error,
    mark: c => !c.ok ? "bad" : stereoGood(c.stereo.split(";")[0]) ? "good" : "bad" },
  { name: "Geometry", left: true, value: c => c.inside === null ? 2 : c.inside ? 0 : 1,
    text: c => c.inside === null ? (c.ok ? "not checked" : "") : c.inside ? "satisfied" : "outside",
    mark: c => c.inside === null ? "" : c.inside ? "good" : "bad" },
  { name: "Redraws", value: c => c.redraws ?? -1, text: c => c.redraws === null ? "" : String(c.redraws) },
  { name: "log p", value: c => c.logProbability ?? -Infinity, text: c => fixed(c.logProbability, 1) },
  { name: "Energy", value: c => c.energy ?? Infinity, text: c => fixed(c.energy, 1) },
  { name: "RMSD", value: c => c.rmsd ?? Infinity, text: c => fixed(c.rmsd, 2) },
];

export class Table {
  // `choose(conformer)`: a row was chosen.
  constructor(choose) {
    this.choose = choose;
    this.element = document.getElementById("table");
    this.body = this.element.tBodies[0];
    this.column = COLUMNS[0];
    this.downward = false;
    this.rows = [];  // [conformer, tr]
    const head = this.element.tHead.rows[0];
    for (const column of COLUMNS) {
      const cell = document.createElement("th"), button = document.createElement("button");
      cell.scope = "col";
      if (column.left) cell.className = "t";
      button.type = "button";
      button.textContent = column.name;
      button.addEventListener("click", () => this.sortBy(column));
      cell.append(button);
      head.append(cell);
      column.cell = cell;
    }
    this.mark();
    this.body.addEventListener("keydown", event => this.key(event));
  }

  clear() {
    this.rows = [];
    this.body.replaceChildren();
  }

  add(conformer) {
    const row = document.createElement("tr");
    row.tabIndex = 0;
    for (const column of COLUMNS) {
      const cell = document.createElement("td");
      cell.className = [column.left ? "t" : "", column.mark ? column.mark(conformer) : ""].join(" ").trim();
      cell.textContent = column.text(conformer);  // text, whatever it is
      row.append(cell);
    }
    row.addEventListener("click", () => this.choose(conformer));
    this.rows.push([conformer, row]);
    this.place(row, conformer);
  }

  compare(a, b) {
    const [x, y] = [this.column.value(a), this.column.value(b)];
    const order = x < y ? -1 : x > y ? 1 : 0;
    return (this.downward ? -order : order) || a.number - b.number;
  }

  // A new row goes where the order wants it.
  place(row, conformer) {
    const after = this.rows.filter(([c, r]) => r !== row && this.compare(c, conformer) > 0).sort(([a], [b]) => this.compare(a, b));
    this.body.insertBefore(row, after.length ? after[0][1] : null);
  }

  sortBy(column) {
    this.downward = this.column === column && !this.downward;
    this.column = column;
    this.rows.sort(([a], [b]) => this.compare(a, b));
    this.body.append(...this.rows.map(([, row]) => row));
    this.mark();
  }

  mark() {
    for (const column of COLUMNS) {
      if (column === this.column) column.cell.setAttribute("aria-sort", this.downward ? "descending" : "ascending");
      else column.cell.removeAttribute("aria-sort");
    }
  }

  select(conformer) {
    for (const [c, row] of this.rows) {
      row.classList.toggle("selected", c === conformer);
      row.setAttribute("aria-selected", c === conformer);
    }
  }

  key(event) {
    const row = event.target.closest("tr");
    const found = this.rows.find(([, r]) => r === row);
    if (!found) return;
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (step) row[step]?.focus();
    else if (event.key === "Enter" || event.key === " ") this.choose(found[0]);
    else return;
    event.preventDefault();
  }
}

export const summary = conformers => {
  const kept = conformers.filter(c => c.ok).length, right = conformers.filter(good).length;
  return `${kept} of ${conformers.length} written, ${right} with all checks right`;
};
