// The sketch pad and the SMILES box, kept in step. openchemlib draws; the box is what is sent.

const NAMES = { one: "1 centre has", many: n => `${n} centres have` };

export class Sketch {
  // `changed(smiles)`: the user drew.
  static async create(changed) {
    try {
      const library = await import("/openchemlib.js");
      return new Sketch(library, changed);
    } catch {
      const note = document.getElementById("sketch-note");
      note.textContent = "This server was built without its sketch pad. A SMILES can be typed.";
      note.hidden = false;
      document.getElementById("sketch").hidden = true;
      return null;
    }
  }

  constructor(library, changed) {
    this.library = library;
    this.changed = changed;
    this.place = document.getElementById("sketch");
    this.editor = new library.CanvasEditor(this.place);
    this.editor.setOnChangeListener(event => {
      if (event.type === "molecule" && event.isUserEvent) this.drawn();
    });
  }

  drawn() {
    const molecule = this.editor.getMolecule();
    if (molecule.getAllAtoms() === 0) { this.changed(""); return; }
    this.changed(molecule.toIsomericSmiles());
    this.describe(molecule);
  }

  // The typed SMILES as a drawing. False when it cannot be read here; the server may still read it.
  show(smiles) {
    const line = document.getElementById("centres");
    if (!smiles) {
      this.editor.clearAll();
      line.textContent = "";
      return true;
    }
    let molecule;
    try {
      molecule = this.library.Molecule.fromSmiles(smiles);
    } catch {
      line.textContent = "The sketch pad cannot read this SMILES; the server has the last word.";
      line.classList.add("warn");
      return false;
    }
    this.describe(molecule);
    this.editor.setMolecule(molecule);
    return true;
  }

  // Marks centres and double bonds without a specified side, and says what that means.
  describe(molecule) {
    const { Molecule } = this.library, line = document.getElementById("centres");
    molecule.ensureHelperArrays(Molecule.cHelperCIP);
    const centres = [];
    for (let i = 0; i < molecule.getAtoms(); i++) {
      const open = molecule.getAtomParity(i) === Molecule.cAtomParityUnknown;
      if (open) centres.push(i);
      molecule.setAtomColor(i, open ? Molecule.cAtomColorOrange : Molecule.cAtomColorNone);
    }
    let bonds = 0;
    for (let i = 0; i < molecule.getBonds(); i++)
      if (molecule.getBondOrder(i) === 2 && molecule.getBondParity(i) === Molecule.cBondParityUnknown) bonds++;
    const parts = [];
    if (centres.length) parts.push(`${centres.length === 1 ? NAMES.one : NAMES.many(centres.length)} no specified hand (orange in the sketch)`);
    if (bonds) parts.push(`${bonds} double bond${bonds > 1 ? "s have" : " has"} no specified side`);
    line.classList.toggle("warn", parts.length > 0);
    line.textContent = parts.length ? `${parts.join("; ")}: conformers may have either.`
      : molecule.getStereoCenterCount() > 0 ? "All stereocentres are specified." : "";
  }
}
