// The network: nodes are units, and what a large layer has beyond the first is one block.

const MOST_NODES = 15, FIRST_NODES = 11, BLOCK_ROWS = 4; // a block takes the room of so many nodes
const diagram = { nodes: [], edges: [], blocks: [] };

const PER_LETTER = 6.2; // pixels
const cut = (name, n) => (name.length > n ? name.slice(0, n - 1) + "…" : name);
const isPicture = (layer) => layer === 0 && Boolean(record.picture);
const slots = (size, layer) => (isPicture(layer) ? 0 : Math.min(size, MOST_NODES));

// How much the names beside the inputs or the outputs may take.
function roomFor(names, radius, width) {
  const longest = Math.max(...names.slice(0, MOST_NODES).map((name) => name.length));
  return Math.min(radius + 14 + longest * PER_LETTER, width * 0.33);
}

// In a window that is wide and high enough the pictures share its height; else they are as
// high as they need.
const pictureRoom = matchMedia("(min-width: 861px) and (min-height: 560px)");

function layoutNetwork() {
  const svg = byId("network"), width = byId("network-frame").clientWidth || 600;
  const most = Math.max(2, ...record.sizes.map(slots)), columns = record.sizes.length;
  const room = pictureRoom.matches ? byId("network-frame").clientHeight : 0;
  const gap = room ? Math.min(48, (room - 12) / most) : Math.max(22, Math.min(48, 430 / most));
  const height = room || gap * most + 24, radius = Math.min(17, gap * 0.42);
  const right = roomFor(record.outputs, radius, width), pictureSize = Math.min(height - 20, width * 0.26, 170);
  const left = record.picture ? pictureSize / 2 + 6
    : roomFor(record.features, radius, width);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.style.height = `${height}px`;
  svg.replaceChildren();
  byId("network-frame").querySelectorAll("canvas").forEach((canvas) => canvas.remove());
  Object.assign(diagram, { radius, gap, height, pictureSize, room: [left, right], nodes: [], edges: [], blocks: [] });
  const step = (width - left - right) / (columns - 1);
  diagram.step = step;
  diagram.places = record.sizes.map((size, layer) => placesOf(size, layer, left + layer * step));
  drawEdges(svg);
  drawNodes(svg);
}

// Where the units of a layer stand: [unit, x, y]; -1 is the block of all that have no node.
function placesOf(size, layer, x) {
  const { gap, height } = diagram;
  if (isPicture(layer)) return [[-1, x, height / 2]];
  const shown = size > MOST_NODES ? FIRST_NODES : size, taken = size > MOST_NODES ? FIRST_NODES + BLOCK_ROWS : size;
  const y = (slot) => height / 2 + (slot - (taken - 1) / 2) * gap;
  const places = range(shown).map((unit) => [unit, x, y(unit)]);
  return shown < size ? [...places, [-1, x, y(shown + (BLOCK_ROWS - 1) / 2)]] : places;
}

function drawNodes(svg) {
  diagram.places.forEach((places, layer) => places.forEach(([unit, x, y]) => {
    if (unit < 0) return drawBlock(svg, layer, x, y);
    const circle = shape("circle", { cx: x, cy: y, r: diagram.radius, "data-layer": layer, "data-j": unit });
    const text = shape("text", { x, y, class: "value" });
    svg.append(circle, text);
    diagram.nodes.push({ circle, text, layer, unit });
    if (layer === 0 || layer === record.sizes.length - 1) nameNode(svg, layer, unit, x, y);
  }));
}

function nameNode(svg, layer, unit, x, y) {
  const isLeft = layer === 0, side = isLeft ? -1 : 1, names = isLeft ? record.features : record.outputs;
  const space = Math.floor((diagram.room[isLeft ? 0 : 1] - diagram.radius - 8) / PER_LETTER);
  svg.append(shape("text", { x: x + side * (diagram.radius + 6), y: y + 4, class: "quiet",
    "text-anchor": isLeft ? "end" : "start" }, cut(names[unit], Math.max(3, space))));
}

// A block: each unit without a node is a small square, or the inputs are the picture itself.
function drawBlock(svg, layer, x, y) {
  const size = record.sizes[layer], picture = isPicture(layer), units = picture ? range(size)
    : range(size).slice(FIRST_NODES);
  const { gap, pictureSize: side } = diagram, [rows, columns] = picture ? record.picture : gridOf(units.length);
  const most = Math.max(rows, columns);
  const height = picture ? (side * rows) / most : BLOCK_ROWS * gap - 16, width = picture ? (side * columns) / most
    : Math.min(diagram.step * 0.55, 2 * height, (height * columns) / rows);
  const top = picture ? y - height / 2 : y - (BLOCK_ROWS * gap) / 2 + 2;
  const canvas = element("canvas", undefined, { class: "block", "data-layer": layer, width: columns, height: rows });
  canvas.style.cssText = `left: ${x - width / 2}px; top: ${top}px; width: ${width}px; height: ${height}px`;
  byId("network-frame").append(canvas);
  diagram.blocks.push({ canvas, layer, units, columns });
  const text = picture ? "" : `+${units.length} more`;
  svg.append(shape("text", { x, y: top + height + 11, "text-anchor": "middle", class: "quiet" }, text));
}

function gridOf(n) {
  const columns = Math.ceil(Math.sqrt(n * 1.6));
  return [Math.ceil(n / columns), columns];
}

// What nodes and edges of a layer show: activations and weights, or deltas and gradients, or
// what the moment of the step has. null is nothing yet.
function nodeKey(layer) {
  if (state.moment !== null) return moments[state.moment].nodes(layer);
  return state.backward && layer ? `delta${layer}` : activationOf(layer);
}

const isDelta = (key) => key !== null && key.startsWith("delta");

// What has the full colour: of a layer's activations over all epochs, of its deltas, which
// become ever smaller, at this epoch.
function largestNode(layer, key) {
  return isDelta(key) ? largestOf(valuesOf(tableOf[key])) || 1 : record.largest_activation[layer];
}

function paintNetwork() {
  paintEdges();
  const isTall = diagram.radius >= 14, keys = record.sizes.map((_, layer) => nodeKey(layer));
  const largest = keys.map((key, layer) => (key === null ? 1 : largestNode(layer, key)));
  for (const { circle, text, layer, unit } of diagram.nodes) {
    const key = keys[layer], x = key === null ? 0 : value(key, state.sample, unit);
    const fill = key === null ? colors.page : mix(x / largest[layer]);
    circle.setAttribute("fill", css(fill));
    circle.classList.toggle("blank", key === null);
    text.setAttribute("style", `fill: ${readableOn(fill)}`);
    text.textContent = isTall && key !== null ? inNode(x) : "";
  }
  diagram.blocks.forEach((block) => paintBlock(block));
  const last = record.sizes.length - 1;
  const outputs = range(record.sizes[last]).map((k) => short(value(`A${last}`, state.sample, k)));
  byId("network").setAttribute("aria-label", `Network of ${record.sizes.join("-")} units at epoch ` +
    `${record.epochs[state.frame]}; outputs ${outputs.join(", ")}. With the arrow keys each unit and weight ` +
    "explains itself");
}

function inNode(a) {
  const size = Math.abs(a);
  const text = size > 0 && size < 0.01 ? a.toExponential(0) : size < 10 ? a.toFixed(2)
    : String(Number(a.toPrecision(2)));
  return Number(text) === 0 ? "0" : text;
}

function paintBlock({ canvas, layer, units, columns }, marked = null) {
  const key = nodeKey(layer);
  const marks = marked === null ? [] : [[marked % columns, Math.floor(marked / columns)]];
  if (isPicture(layer)) return paintSample(canvas, state.sample, marks);
  const largest = key === null ? 1 : largestNode(layer, key), transparent = 0;
  paintPixels(canvas, (x, y) => {
    const unit = units[y * columns + x];
    return unit === undefined || key === null ? transparent : pixel(value(key, state.sample, unit), largest);
  }, marks);
}

function unitUnder(canvas, event) {
  const { layer, units, columns } = diagram.blocks.find((block) => block.canvas === canvas);
  const [x, y] = pixelAt(canvas, event), unit = units[y * columns + x];
  return unit === undefined ? null : [layer, unit];
}
