// Sliders, keys and pointer: what is chosen, and showing it.

function choose(change) {
  Object.assign(state, change);
  const last = record.epochs.length - 1;
  state.frame = Math.max(0, Math.min(last, state.frame));
  state.sample = Math.max(0, Math.min(record.samples.length - 1, state.sample));
  show();
}

function show() {
  byId("epoch").value = state.frame;
  byId("sample").value = state.sample;
  const epoch = record.epochs[state.frame], last = record.sizes.length - 1;
  const written = (number) => number.toLocaleString("en");
  byId("epoch-text").textContent = `${written(epoch)} of ${written(record.epochs.at(-1))}`;
  byId("epoch").setAttribute("aria-valuetext", `epoch ${epoch}`);
  const text = `${record.samples[state.sample]}: ${sampleLine(`A${last}`, record.sizes[last])}`;
  byId("sample-text").textContent = text;
  byId("sample").setAttribute("aria-valuetext", text);
  fillTables();
  paintNetwork();
  paintCurve();
  paintSurface();
  showExplanation();
}

// What the sample should be, and what the network says.
function sampleLine(outputs, n) {
  const row = (key) => range(n).map((k) => value(key, state.sample, k));
  if (record.is_multiclass) {
    const of = (numbers) => numbers.indexOf(Math.max(...numbers)), chosen = of(row(outputs));
    return `${record.outputs[of(row("Y"))]}, output ${record.outputs[chosen]} ` +
      `(${short(value(outputs, state.sample, chosen))})`;
  }
  const list = (key) => row(key).slice(0, 4).map(short).join(", ") + (n > 4 ? ", …" : "");
  return `target ${list("Y")}, output ${list(outputs)}`;
}

function play(on) {
  const button = byId("play");
  clearInterval(state.playing);
  state.playing = null;
  if (on) {
    if (state.frame === record.epochs.length - 1) choose({ frame: 0 });
    state.playing = setInterval(() => {
      choose({ frame: state.frame + 1 });
      if (state.frame === record.epochs.length - 1) play(false);
    }, 100);
  }
  button.textContent = on ? "Pause" : "Play";
  button.setAttribute("aria-pressed", String(on));
}

function explainCell(target) {
  const cell = target.closest?.("td[data-key]");
  if (!cell) return;
  state.cell = [cell.dataset.key, Number(cell.dataset.i), Number(cell.dataset.j)];
  showExplanation();
}

function explainNode(target) {
  const node = target.closest?.("circle[data-key]");
  if (!node) return;
  state.cell = [node.dataset.key, state.sample, Number(node.dataset.j)];
  showExplanation();
}

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function moveInTable(event) {
  const cell = event.target.closest?.("td[data-key]"), move = MOVES[event.key];
  if (!cell || !move) return false;
  const to = tableOf[cell.dataset.key].cells[Number(cell.dataset.i) + move[0]]?.[Number(cell.dataset.j) + move[1]];
  if (to) {
    cell.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  }
  event.preventDefault();
  return true;
}

function onKey(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || moveInTable(event)) return;
  const busy = event.target.closest?.("input, button, summary");
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (event.key === " " && !busy) play(!state.playing);
  else if (step && !busy) choose({ frame: state.frame + step });
  else if (event.key.toLowerCase() === "s") {
    const n = record.samples.length;
    choose({ sample: (state.sample + (event.shiftKey ? n - 1 : 1)) % n });
  } else return;
  event.preventDefault();
}

function layout() {
  readColors();
  layoutNetwork();
  layoutCurve();
  layoutSurface();
  show();
}

function start() {
  byId("about").after(...record.facts.slice(1).map((fact) => element("p", fact)));
  byId("facts").open = innerWidth > 860;
  byId("what").textContent = record.facts[0];
  byId("epoch").max = record.epochs.length - 1;
  byId("sample").max = record.samples.length - 1;
  buildTables();
  byId("epoch").addEventListener("input", (event) => choose({ frame: Number(event.target.value) }));
  byId("sample").addEventListener("input", (event) => choose({ sample: Number(event.target.value) }));
  byId("play").addEventListener("click", () => play(!state.playing));
  for (const kind of ["pointerover", "focusin", "click"]) {
    byId("tables").addEventListener(kind, (event) => explainCell(event.target));
  }
  for (const kind of ["pointerover", "click"]) {
    byId("network").addEventListener(kind, (event) => explainNode(event.target));
  }
  byId("curve").addEventListener("pointerdown", (event) => {
    byId("curve").setPointerCapture(event.pointerId);
    seekOnCurve(event);
  });
  byId("curve").addEventListener("pointermove", (event) => { if (event.buttons) seekOnCurve(event); });
  document.addEventListener("keydown", onKey);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", layout);
  let width = innerWidth;
  addEventListener("resize", () => { // a phone's bars come and go: only the width counts
    if (innerWidth !== width) { width = innerWidth; layout(); }
  });
  layout();
}

start();
