// The table of samples: filter, sort, select; the selected one is shown in 3D.
"use strict";
const PAGE = 100;
const $ = id => document.getElementById(id);

async function inflated(base64, format) {
  const bytes = Uint8Array.from(atob(base64), c => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream(format))).text();
}

// viewer: null where there is none; its place then says why.
function start(data, viewer) {
  const rows = data.samples.map((s, i) => ({ i, run: s[0], prompt: data.prompts[s[1]], generation: s[2],
    verdict: s[3], issues: s[4].map(k => data.texts[k]), cause: s[5] < 0 ? "" : data.texts[s[5]], junk: s[6], tokens: s[7], bond: s[8],
    off: s[9], stereo: s[10], text: s[11] }));
  const VERDICTS = ["fail", "pass", "pass, text kept", "strict"], STEREO = ["", "right", "wrong"];
  const columns = [
    { name: "#", value: r => r.i + 1 }, { name: "run", value: r => data.runs[r.run], text: true },
    { name: "molecule", value: r => r.prompt, text: true, code: true }, { name: "sample", value: r => r.generation },
    { name: "verdict", value: r => r.verdict, show: r => VERDICTS[r.verdict], text: true },
    { name: "first issue", value: r => r.issues[0] || r.cause, text: true },
    { name: "junk blocks", value: r => r.junk }, { name: "tokens", value: r => r.tokens },
    { name: "bond error (\u00c5)", value: r => r.bond === null ? -1 : r.bond, show: r => r.bond === null ? "" : r.bond.toFixed(3) },
    { name: "bonds off", value: r => r.bond === null ? -1 : r.off.length, show: r => r.bond === null ? "" : r.off.length },
    { name: "stereo", value: r => r.stereo, show: r => STEREO[r.stereo], text: true }];
  let sortBy = 0, descending = false, page = 0, view = rows, selected = null;

  const head = $("samples").tHead.insertRow();
  columns.forEach((c, k) => {
    const th = document.createElement("th");
    const button = document.createElement("button");
    button.textContent = c.name;
    button.onclick = () => { descending = sortBy === k && !descending; sortBy = k; page = 0; update(); };
    if (c.text) th.className = "t";
    th.append(button);
    head.append(th);
  });
  data.runs.forEach((name, i) => $("run").add(new Option(name, i)));

  function choose(row) {
    selected = row;
    for (const tr of $("samples").tBodies[0].rows) tr.classList.toggle("selected", tr.dataset.i === String(row.i));
    const inside = /\[CONFORMER\]([^]*?)\[\/CONFORMER\]/.exec(row.text);
    if (viewer) {
      viewer.show(inside ? inside[1] : row.text, row.off, data.references[row.prompt]);
      $("elements").replaceChildren(...[...new Set(viewer.molecule.atoms.map(a => a.element))].flatMap(element => {
        const dot = document.createElement("i");
        dot.style.background = elementColour(element);
        return [dot, element];
      }));
    }
    $("about").replaceChildren(...[
      ["molecule", row.prompt], ["run", data.runs[row.run] + ", sample " + row.generation],
      ["verdict", VERDICTS[row.verdict] + (row.issues.length ? ": " + row.issues.join("; ") : row.cause ? "; not strict: " + row.cause : "")],
      ["bonds", row.bond === null ? "not compared" : "mean error " + row.bond.toFixed(3) + " \u00c5, " + row.off.length + " off by more than 0.25 \u00c5"],
      ["stereo", STEREO[row.stereo] || "none asked for, or no structure"]
    ].flatMap(([k, v]) => {
      const dt = document.createElement("dt"), dd = document.createElement("dd");
      dt.textContent = k; dd.textContent = v; return [dt, dd];
    }));
    const answer = $("answer"), pieces = row.text.split(/(<[^>]*>)/);
    answer.replaceChildren(...pieces.map(piece => {
      const span = document.createElement("span");
      span.textContent = piece;
      if (piece[0] === "<") span.className = /^<-?\d+(\.\d*)?,-?\d+(\.\d*)?,-?\d+(\.\d*)?>$/.test(piece) ? "number" : "junk";
      return span;
    }));
  }

  function update() {
    const run = $("run").value, kind = $("kind").value, words = $("search").value.trim().toLowerCase();
    view = rows.filter(r => (run === "" || r.run === Number(run)) &&
      (kind === "" || (kind === "fail" && r.verdict === 0) || (kind === "pass" && r.verdict > 0) ||
       (kind === "notstrict" && r.verdict < 3) || (kind === "junk" && r.junk > 0) ||
       (kind === "off" && r.off.length > 0) || (kind === "stereo" && r.stereo === 2)) &&
      (!words || (r.prompt + " " + r.issues.join(" ") + " " + r.cause + " " + r.text).toLowerCase().includes(words)));
    const value = columns[sortBy].value, sign = descending ? -1 : 1;
    view.sort((a, b) => { const x = value(a), y = value(b); return (x < y ? -1 : x > y ? 1 : a.i - b.i) * sign; });
    const pages = Math.max(1, Math.ceil(view.length / PAGE));
    page = Math.min(page, pages - 1);
    const body = document.createElement("tbody");
    for (const r of view.slice(page * PAGE, (page + 1) * PAGE)) {
      const tr = body.insertRow();
      tr.dataset.i = r.i;
      tr.tabIndex = 0;
      if (selected && selected.i === r.i) tr.className = "selected";
      for (const c of columns) {
        const td = tr.insertCell();
        td.textContent = c.show ? c.show(r) : c.value(r);
        if (c.text) td.className = c.code ? "t code" : "t";
        if (c.text) td.title = td.textContent;
      }
      tr.onclick = () => choose(r);
      tr.onkeydown = e => {
        if (e.key === "Enter" || e.key === " ") { e.preventDefault(); choose(r); }
        const next = e.key === "ArrowDown" ? tr.nextElementSibling : e.key === "ArrowUp" ? tr.previousElementSibling : null;
        if (next) { e.preventDefault(); next.focus(); next.click(); }
      };
    }
    $("samples").replaceChild(body, $("samples").tBodies[0]);
    [...head.cells].forEach((th, k) => th.setAttribute("aria-sort", k === sortBy ? descending ? "descending" : "ascending" : "none"));
    $("count").textContent = view.length + " of " + rows.length + " samples; page " + (page + 1) + " of " + pages;
    $("previous").disabled = page === 0;
    $("next").disabled = page + 1 >= pages;
  }
  for (const id of ["run", "kind"]) $(id).onchange = () => { page = 0; update(); };
  $("search").oninput = () => { page = 0; update(); };
  $("previous").onclick = () => { page--; update(); };
  $("next").onclick = () => { page++; update(); };
  if (viewer) {
    $("colour").onchange = () => { viewer.byCheck = $("colour").value === "check"; viewer.draw(); };
    $("labels").onchange = () => { viewer.labels = $("labels").value; viewer.draw(); };
    $("reset").onclick = () => viewer.reset();
    $("viewer").className = "live";
    $("viewer-controls").hidden = $("key").hidden = $("scale").hidden = false;
  }
  update();
  if (rows.length) choose(view[0]);
  document.documentElement.dataset.ready = rows.length;
}

async function openPage() {
  const data = JSON.parse(await inflated($("data").textContent, "deflate"));
  let viewer = null;
  try {
    if (await loadViewerLibrary()) {
      viewer = Viewer.create();
      if (!viewer) $("viewer-note").textContent = "No 3D structures: this browser has no WebGL 2, or has it switched off.";
    }
  } catch (error) {  // costs the pictures, not the table
    $("viewer-note").textContent = "No 3D structures: the viewer did not start (" + error + ").";
  }
  start(data, viewer);
}

openPage().catch(error => {
  $("count").textContent = "The samples cannot be shown: this browser is too old (" + error + ").";
});
