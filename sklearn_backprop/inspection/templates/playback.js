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
  paintMoment();
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

const EPOCH_TIME = 100, MOMENT_TIME = 1600; // milliseconds at speed 1

// Play epochs or the moments of a step; one of them at a time.
function play(on, what = "epochs") {
  clearInterval(state.playing?.timer);
  state.playing = on ? { what } : null;
  if (on && what === "epochs") {
    state.moment = null;
    if (state.frame === record.epochs.length - 1) choose({ frame: 0 });
  }
  if (on) startTimer();
  for (const [id, of, name] of [["play", "epochs", "Play"], ["play-step", "step", "Play step"]]) {
    const plays = state.playing?.what === of;
    byId(id).textContent = plays ? "Pause" : name;
    byId(id).setAttribute("aria-pressed", String(plays));
  }
}

function startTimer() {
  const isStep = state.playing.what === "step";
  if (isStep && state.moment === null) goOn(1);
  state.playing.timer = setInterval(isStep ? playMoment : playEpoch,
    (isStep ? MOMENT_TIME : EPOCH_TIME) / Number(byId("speed").value));
}

function playEpoch() {
  choose({ frame: state.frame + 1 });
  if (state.frame === record.epochs.length - 1) play(false);
}

// One step: it ends with its last moment.
function playMoment() {
  if (state.moment === moments.length - 1) play(false);
  else goOn(1);
}

function turn(backward) {
  state.backward = backward;
  state.moment = null;
  if (state.playing?.what === "step") play(false);
  show();
}

function explainCell(event) {
  const cell = event.target.closest?.("td[data-key]"), canvas = event.target.closest?.("canvas[data-key]");
  if (cell) explainThis([cell.dataset.key, Number(cell.dataset.i), Number(cell.dataset.j)]);
  else if (canvas && event.clientX !== undefined) explainThis(cellUnder(canvas, event));
  else if (canvas && tableOf[canvas.dataset.key].heat) {
    explainThis([canvas.dataset.key, ...tableOf[canvas.dataset.key].heat.at]);
  }
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
  if (event.altKey || event.ctrlKey || event.metaKey || moveInTable(event) || moveInHeatmap(event)
    || walk(event)) return;
  const busy = event.target.closest?.("input, button, summary, select");
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (event.key === " " && !busy) play(state.playing?.what !== "epochs");
  else if (step && !busy) choose({ frame: state.frame + step });
  else if (event.key.toLowerCase() === "s") {
    const n = record.samples.length;
    choose({ sample: (state.sample + (event.shiftKey ? n - 1 : 1)) % n });
  } else if (event.key.toLowerCase() === "n") goOn(event.shiftKey ? -1 : 1);
  else if (event.key.toLowerCase() === "g") turn(!state.backward);
  else if (event.key === "Escape" && state.moment !== null) {
    play(false);
    leaveStep();
  } else return;
  event.preventDefault();
}

// What the pictures may take of the window's height, with the header folded and in view.
function measureRoom() {
  const controls = byId("controls").offsetHeight, header = byId("what").parentNode.offsetHeight;
  const room = innerHeight - header - controls - byId("explanation").offsetHeight - 26;
  byId("pictures").style.setProperty("--controls", `${controls + 8}px`);
  byId("pictures").style.setProperty("--room", `${room}px`);
}

function layout() {
  readColors();
  measureRoom();
  layoutSurface();
  layoutCurve();
  paintMoment();
  paintCurve();
  paintUnit();
  layoutNetwork(); // takes the room that the others and their captions leave
  show();
}

function listenToPointer() {
  for (const kind of ["pointermove", "focusin", "click"]) byId("tables").addEventListener(kind, explainCell);
  for (const kind of ["pointermove", "click"]) byId("network-frame").addEventListener(kind, explainInNetwork);
  byId("network").addEventListener("focus", () => { if (byId("network").matches(":focus-visible")) explainWalked(); });
  byId("tables").addEventListener("click", (event) => { // a picture is its sample
    if (event.target.matches(".pictures canvas")) choose({ sample: Number(event.target.dataset.i) });
  });
}

function listenToStep() {
  byId("play-step").addEventListener("click", () => play(state.playing?.what !== "step", "step"));
  byId("step-on").addEventListener("click", () => goOn(1));
  byId("step-back").addEventListener("click", () => goOn(-1));
  byId("show-forward").addEventListener("click", () => turn(false));
  byId("show-backward").addEventListener("click", () => turn(true));
  byId("speed").addEventListener("change", () => { if (state.playing) play(true, state.playing.what); });
  for (const button of document.querySelectorAll(".phase")) {
    const first = moments.findIndex(({ phase }) => phase === button.dataset.phase);
    button.hidden = first < 0;
    button.addEventListener("click", () => showMoment(first));
  }
}

function start() {
  byId("facts").append(...record.facts.slice(1).map((fact) => element("p", fact)));
  byId("what").textContent = record.facts[0];
  byId("epoch").max = record.epochs.length - 1;
  byId("sample").max = record.samples.length - 1;
  if (record.picture) {
    byId("unit-figure").hidden = false;
    readGreys();
  }
  buildTables();
  byId("epoch").addEventListener("input", (event) => choose({ frame: Number(event.target.value) }));
  byId("sample").addEventListener("input", (event) => choose({ sample: Number(event.target.value) }));
  byId("play").addEventListener("click", () => play(state.playing?.what !== "epochs"));
  listenToPointer();
  listenToStep();
  byId("curve").addEventListener("pointerdown", (event) => {
    byId("curve").setPointerCapture(event.pointerId);
    seekOnCurve(event);
  });
  byId("curve").addEventListener("pointermove", (event) => { if (event.buttons) seekOnCurve(event); });
  document.addEventListener("keydown", onKey);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", layout);
  let width = innerWidth;
  addEventListener("resize", () => { // a phone's bars come and go: there only the width counts
    if (innerWidth !== width || pictureRoom.matches) { width = innerWidth; layout(); }
  });
  layout();
}

start();
