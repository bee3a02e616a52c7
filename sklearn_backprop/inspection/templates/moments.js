// A step moment by moment: forward, delta, gradient, update, each with its equation.

const equationOf = (key) => `${tableOf[key].symbol} = ${tableOf[key].formula}`;
const weightsOf = (layer) => `W${layer}`;

// Each says what nodes and edges show then; `key` is the quantity that comes about.
const moments = [
  ...range(lastLayer).map((k) => k + 1).map((layer) => ({
    phase: "Forward", layer, key: `A${layer}`, equation: `${equationOf(`Z${layer}`)},  ${equationOf(`A${layer}`)}`,
    nodes: (at) => (at <= layer ? activationOf(at) : null), edges: weightsOf })),
  ...range(lastLayer).map((k) => lastLayer - k).map((layer) => ({
    phase: "Delta", layer, key: `delta${layer}`, equation: deltaEquation(layer),
    nodes: (at) => (at >= layer ? `delta${at}` : activationOf(at)), edges: weightsOf })),
  ...range(lastLayer).map((k) => lastLayer - k).map((layer) => ({
    phase: "Gradient", layer, key: `gradient_W${layer}`, equation: equationOf(`gradient_W${layer}`),
    nodes: (at) => (at >= layer ? `delta${at}` : activationOf(at)),
    edges: (at) => (at >= layer ? `gradient_W${at}` : weightsOf(at)) })),
  ...(tableOf.update_W1 ? range(lastLayer) : []).map((k) => k + 1).map((layer) => ({
    phase: "Update", layer, key: `update_W${layer}`,
    equation: `W${layer} ← W${layer} + ΔW${layer},  b${layer} ← b${layer} + Δb${layer},  by ${record.optimizer}`,
    nodes: activationOf, edges: (at) => (at === layer ? steppedKey(at) : weightsOf(at)) })),
];

function deltaEquation(layer) {
  const delta = equationOf(`delta${layer}`);
  return layer < lastLayer ? `${equationOf(`error${layer}`)},  ${delta}` : delta;
}

// The update of a large layer is there as means of blocks only: draw where it comes from.
function steppedKey(layer) {
  return tableOf[`update_W${layer}`].block ? `gradient_W${layer}` : `update_W${layer}`;
}

// Go so many moments on; past the last comes the first of the next epoch.
function goOn(by) {
  const n = moments.length, to = (state.moment ?? (by > 0 ? -1 : n)) + by;
  const turns = to >= n ? 1 : to < 0 ? -1 : 0, frame = state.frame + turns;
  if (frame < 0 || frame >= record.epochs.length) return false;
  showMoment((to + n) % n, frame);
  return true;
}

function showMoment(moment, frame = state.frame) {
  state.moment = moment;
  exampleOf(moments[moment]);
  choose({ frame });
  bringIntoView(moments[moment]);
}

function leaveStep() {
  state.moment = null;
  show();
}

// The largest number that comes about explains it for all.
function exampleOf({ key, layer }) {
  const table = tableOf[key], n = table.columns.length;
  const rows = table.of === "weights" ? range(Math.max(1, table.rows.length - 1)) : [state.sample];
  let best = [key, rows[0], 0], most = -1;
  for (const i of rows) for (let j = 0; j < n; j++) {
    const size = Math.abs(value(key, i, j));
    if (size > most) [best, most] = [[key, i, j], size];
  }
  state.cell = key === `A${layer}` && best[0] === key ? [`Z${layer}`, best[1], best[2]] : best;
}

function paintMoment() {
  const moment = state.moment === null ? null : moments[state.moment];
  byId("equation").replaceChildren(...(moment
    ? [element("b", `${moment.phase}, layer ${moment.layer}`), ` ${moment.equation}`]
    : ["Play the step, or go through it moment by moment: ", element("kbd", "N"), " and ", element("kbd", "Shift+N")]));
  document.querySelectorAll(".phase").forEach((one) =>
    one.classList.toggle("now", moment !== null && one.dataset.phase === moment.phase));
  document.querySelectorAll(".current").forEach((one) => one.classList.remove("current"));
  if (moment) byId(`table-${moment.key}`)?.closest("figure").classList.add("current");
  const shows = state.backward ? "edges are gradients, nodes the deltas of this sample"
    : "edges are weights, nodes the activations of this sample";
  byId("network-what").textContent = moment ? `${moment.phase} of the step` : shows;
  byId("show-forward").setAttribute("aria-pressed", String(!moment && !state.backward));
  byId("show-backward").setAttribute("aria-pressed", String(!moment && state.backward));
}

// Beside the pictures, which stay, there is room for the table that the moment fills.
function bringIntoView({ key }) {
  if (!pictureRoom.matches) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  byId(`table-${key}`).closest("figure").scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
}
