// The network's edges, and which unit or weight of it explains itself.

const NEAR = 7; // pixels between a pointer and the edge that it points at

function drawEdges(svg) {
  for (let layer = 1; layer < record.sizes.length; layer++) {
    diagram.places[layer - 1].forEach(([from, x1, y1]) => diagram.places[layer].forEach(([to, x2, y2]) => {
      const line = shape("line", { x1, y1, x2, y2, "stroke-linecap": "round" });
      svg.append(line);
      diagram.edges.push({ line, layer, from, to, ends: [x1, y1, x2, y2] });
    }));
  }
}

function edgeKey(layer) {
  if (state.moment !== null) return moments[state.moment].edges(layer);
  return state.backward ? `gradient_W${layer}` : `W${layer}`;
}

// What has the full width: of weights over all epochs and layers, of gradients and updates in
// all layers at this epoch.
function largestEdge(key) {
  if (key.startsWith("W")) return record.largest_weight;
  const { quantity } = tableOf[key];
  return Math.max(...record.tables.filter((table) => table.quantity === quantity && !table.block)
    .map((table) => largestOf(valuesOf(table)))) || 1;
}

function paintEdges() {
  const largest = {};
  for (const { line, layer, from, to } of diagram.edges) {
    const key = edgeKey(layer), isActive = state.moment === null || moments[state.moment].layer === layer;
    const isBlock = from < 0 || to < 0, x = isBlock ? meanSize(key, layer, from, to) : value(key, from, to);
    const share = Math.min(1, Math.abs(x) / (largest[key] ??= largestEdge(key)) || 0);
    line.setAttribute("stroke", css(isBlock ? colors.quiet : x < 0 ? colors.negative : colors.positive));
    line.setAttribute("stroke-width", (0.4 + 6 * share).toFixed(2));
    line.setAttribute("stroke-opacity", ((0.15 + 0.75 * share) * (isActive ? 1 : 0.25)).toFixed(3));
  }
}

// Root mean square of the weights that an edge of a block stands for.
function meanSize(key, layer, from, to) {
  const first = (at) => (isPicture(at) ? 0 : FIRST_NODES);
  const [a, b] = from < 0 ? [first(layer - 1), record.sizes[layer - 1]] : [from, from + 1];
  const [c, d] = to < 0 ? [first(layer), record.sizes[layer]] : [to, to + 1];
  const values = valuesOf(tableOf[key]), n = tableOf[key].columns.length;
  let sum = 0;
  for (let i = a; i < b; i++) for (let j = c; j < d; j++) sum += values[i * n + j] ** 2;
  return Math.sqrt(sum / ((b - a) * (d - c)));
}

// The edge between two units that is nearest to a point; null where none is near.
function edgeNear(x, y) {
  let nearest = null, least = NEAR;
  for (const edge of diagram.edges) {
    if (edge.from < 0 || edge.to < 0) continue;
    const [x1, y1, x2, y2] = edge.ends, length = (x2 - x1) ** 2 + (y2 - y1) ** 2;
    const along = Math.max(0, Math.min(1, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length));
    const distance = Math.hypot(x - x1 - along * (x2 - x1), y - y1 - along * (y2 - y1));
    if (distance < least) [nearest, least] = [edge, distance];
  }
  return nearest;
}

function explainNode(layer, unit) {
  const key = nodeKey(layer);
  if (key !== null) explainThis([key, state.sample, unit]);
}

function explainInNetwork(event) {
  const node = event.target.closest("circle");
  if (node) return explainNode(Number(node.dataset.layer), Number(node.dataset.j));
  if (event.target.tagName === "CANVAS") {
    const found = unitUnder(event.target, event);
    return found && explainNode(...found);
  }
  const box = byId("network").getBoundingClientRect();
  const edge = edgeNear(event.clientX - box.left, event.clientY - box.top);
  if (edge) explainThis([edgeKey(edge.layer), edge.from, edge.to]);
}

// ---------------------------------------------------------------- with the keys

let walked = [0, 0]; // column, place in it: units and the edges between them take turns

const columnAt = (column) => (column % 2 ? diagram.edges.filter(({ layer, from, to }) =>
  layer === (column + 1) / 2 && from >= 0 && to >= 0) : diagram.nodes.filter(({ layer }) => layer === column / 2));

function walk(event) {
  const move = MOVES[event.key];
  if (event.target.id !== "network" || !move) return false;
  const columns = 2 * record.sizes.length - 1, [down, across] = move;
  let [column, place] = walked;
  column += across;
  // an empty column, of a picture or of a block, is passed over
  while (across && column >= 0 && column < columns && !columnAt(column).length) column += across;
  if (column < 0 || column >= columns) column = walked[0];
  const here = columnAt(column), was = Math.max(1, columnAt(walked[0]).length);
  place = across ? Math.floor((place / was) * here.length) : place + down;
  walked = [column, Math.max(0, Math.min(here.length - 1, place))];
  explainWalked();
  event.preventDefault();
  return true;
}

function explainWalked() {
  const found = columnAt(walked[0])[walked[1]];
  if (!found) return;
  if (found.circle) explainNode(found.layer, found.unit);
  else explainThis([edgeKey(found.layer), found.from, found.to]);
}

// ---------------------------------------------------------------- what is explained

function markInNetwork(key, i, j) {
  const { layer, of } = tableOf[key];
  diagram.blocks.forEach((block) => paintBlock(block));
  if (of === "weights") {
    const edge = diagram.edges.find((one) => one.layer === layer && one.from === i && one.to === j);
    return edge?.line.classList.add("explained");
  }
  if (i !== state.sample) return;
  const on = key === "Y" || key === "E" ? record.sizes.length - 1 : layer;
  const node = diagram.nodes.find((one) => one.layer === on && one.unit === j);
  if (node) return node.circle.classList.add("explained");
  const block = diagram.blocks.find((one) => one.layer === on);
  if (block && block.units.includes(j)) paintBlock(block, block.units.indexOf(j));
}
