// The network, the loss curve and the decision surface.

const SVG = "http://www.w3.org/2000/svg";
const MOST_NODES = 16;
let colors = {};

function shape(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, given] of Object.entries(attributes)) made.setAttribute(name, given);
  if (text !== undefined) made.textContent = text;
  return made;
}

function readColors() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["neutral", "positive", "negative", "text", "quiet", "page", "accent", "line"]) {
    const hex = style.getPropertyValue(`--${name}`).trim();
    colors[name] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  }
}

// From neutral towards positive or negative, for t in [-1, 1].
function mix(t) {
  const end = t < 0 ? colors.negative : colors.positive, share = Math.min(1, Math.abs(t) || 0);
  return colors.neutral.map((c, k) => Math.round(c + (end[k] - c) * share));
}

// Black or white, whichever stands out more: by relative luminance.
function readableOn(rgb) {
  const [r, g, b] = rgb.map((c) => (c / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#000" : "#fff";
}

function inNode(a) {
  const text = Math.abs(a) < 10 ? a.toFixed(2) : String(Number(a.toPrecision(2)));
  return Number(text) === 0 ? "0" : text;
}

const css = (rgb) => `rgb(${rgb.join(" ")})`;
const cut = (name, n) => (name.length > n ? name.slice(0, n - 1) + "…" : name);

// ---------------------------------------------------------------- the network

const diagram = { nodes: [], edges: [] };

const PER_LETTER = 6.2; // pixels

// How much the names beside the inputs or the outputs may take.
function roomFor(names, radius, width) {
  const longest = Math.max(...names.slice(0, MOST_NODES).map((name) => name.length));
  return Math.min(radius + 14 + longest * PER_LETTER, width * 0.33);
}

// The units that are drawn: all, or the first ones.
const drawnUnits = (size) => range(size > MOST_NODES ? MOST_NODES - 1 : size);

function layoutNetwork() {
  const svg = byId("network"), width = svg.clientWidth || 600;
  const sizes = record.sizes, columns = sizes.length, most = Math.max(...sizes.map((s) => Math.min(s, MOST_NODES)));
  const gap = Math.max(26, Math.min(48, 430 / most)), height = gap * most + 34, radius = Math.min(17, gap * 0.42);
  const [left, right] = [record.features, record.outputs].map((names) => roomFor(names, radius, width));
  const step = (width - left - right) / (columns - 1);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.style.height = `${height}px`;
  svg.replaceChildren();
  diagram.radius = radius;
  diagram.places = sizes.map((size, layer) => {
    const drawn = drawnUnits(size), shown = Math.min(size, MOST_NODES);
    return drawn.map((unit) => [left + layer * step, height / 2 + (unit - (shown - 1) / 2) * gap]);
  });
  drawEdges(svg);
  drawNodes(svg, sizes, gap, [left, right]);
}

function drawEdges(svg) {
  diagram.edges = [];
  for (let layer = 1; layer < record.sizes.length; layer++) {
    diagram.places[layer - 1].forEach(([x1, y1], i) => diagram.places[layer].forEach(([x2, y2], j) => {
      const line = shape("line", { x1, y1, x2, y2, "stroke-linecap": "round" });
      svg.append(line);
      diagram.edges.push([line, layer, i, j]);
    }));
  }
}

function drawNodes(svg, sizes, gap, room) {
  diagram.nodes = [];
  diagram.places.forEach((places, layer) => places.forEach(([cx, cy], unit) => {
    const key = layer === 0 ? "X" : `A${layer}`;
    const circle = shape("circle", { cx, cy, r: diagram.radius, "data-key": key, "data-j": unit });
    const text = shape("text", { x: cx, y: cy, class: "value" });
    svg.append(circle, text);
    diagram.nodes.push([circle, text, key, layer, unit]);
    const name = layer === 0 ? record.features[unit] : record.outputs[unit];
    if (layer === 0 || layer === sizes.length - 1) {
      const left = layer === 0, space = Math.floor((room[left ? 0 : 1] - diagram.radius - 8) / PER_LETTER);
      svg.append(shape("text", { x: cx + (left ? -1 : 1) * (diagram.radius + 6), y: cy + 4, class: "quiet",
        "text-anchor": left ? "end" : "start" }, cut(name, Math.max(3, space))));
    }
  }));
  diagram.places.forEach((places, layer) => {
    const hidden = sizes[layer] - places.length;
    if (!hidden) return;
    const [x, y] = places.at(-1);
    svg.append(shape("text", { x, y: y + gap, "text-anchor": "middle", class: "quiet" }, `+${hidden} more`));
  });
}

function paintNetwork() {
  for (const [line, layer, i, j] of diagram.edges) {
    const w = value(`W${layer}`, i, j), share = Math.min(1, Math.abs(w) / record.largest_weight);
    line.setAttribute("stroke", css(w < 0 ? colors.negative : colors.positive));
    line.setAttribute("stroke-width", (0.4 + 6 * share).toFixed(2));
    line.setAttribute("stroke-opacity", (0.15 + 0.75 * share).toFixed(2));
  }
  for (const [circle, text, key, layer, unit] of diagram.nodes) {
    const a = value(key, state.sample, unit);
    const fill = mix(a / record.largest_activation[layer]);
    circle.setAttribute("fill", css(fill));
    text.setAttribute("style", `fill: ${readableOn(fill)}`);
    text.textContent = diagram.radius >= 14 ? inNode(a) : "";
  }
  const last = record.sizes.length - 1;
  const outputs = range(record.sizes[last]).map((k) => short(value(`A${last}`, state.sample, k)));
  byId("network").setAttribute("aria-label",
    `Network of ${record.sizes.join("-")} units at epoch ${record.epochs[state.frame]}; outputs ${outputs.join(", ")}`);
}

function markNode(key, i, j) {
  if (i !== state.sample) return;
  const found = diagram.nodes.find(([, , k, , unit]) => k === key && unit === j);
  if (found) found[0].classList.add("explained");
}

// ---------------------------------------------------------------- the loss curve

const curve = { height: 170, left: 46, right: 12, top: 12, bottom: 24 };

function curveScales() {
  const all = [...record.curve.loss, ...(record.curve.validation || [])].filter((y) => Number.isFinite(y));
  const low = Math.min(...all), high = Math.max(...all), log = low > 0 && high / low > 30;
  const f = log ? Math.log : (y) => y, span = f(high) - f(low) || 1, last = record.epochs.at(-1) || 1;
  const width = curve.width - curve.left - curve.right, height = curve.height - curve.top - curve.bottom;
  Object.assign(curve, { log, low, high, last });
  curve.x = (epoch) => curve.left + (width * epoch) / last;
  curve.y = (y) => curve.top + height * (1 - (f(y) - f(low)) / span);
}

function layoutCurve() {
  const svg = byId("curve");
  if (!record.curve.loss.length) return byId("curve").parentNode.remove();
  curve.width = svg.clientWidth || 600;
  curveScales();
  svg.setAttribute("viewBox", `0 0 ${curve.width} ${curve.height}`);
  svg.style.height = `${curve.height}px`;
  svg.replaceChildren();
  const bottom = curve.height - curve.bottom;
  svg.append(shape("line", { x1: curve.left, x2: curve.width - curve.right, y1: bottom, y2: bottom,
    stroke: css(colors.line) }));
  for (const y of [curve.low, curve.high]) {
    svg.append(shape("text", { x: curve.left - 6, y: curve.y(y) + 4, "text-anchor": "end", class: "quiet" },
      String(Number(y.toPrecision(2)))));
  }
  svg.append(shape("text", { x: curve.left, y: bottom + 16, class: "quiet" }, "0"));
  svg.append(shape("text", { x: curve.width - curve.right, y: bottom + 16, "text-anchor": "end", class: "quiet" },
    `epoch ${curve.last}`));
  for (const [losses, dash] of [[record.curve.validation, "5 4"], [record.curve.loss, ""]]) {
    if (!losses) continue;
    const points = losses.map((y, k) => [record.curve.epochs[k], y]).filter(([, y]) => Number.isFinite(y))
      .map(([e, y]) => `${curve.x(e).toFixed(1)},${curve.y(y).toFixed(1)}`).join(" ");
    svg.append(shape("polyline", { points, fill: "none", stroke: css(colors.text), "stroke-width": 1.6,
      "stroke-dasharray": dash }));
  }
  const { kept, kept_loss: keptLoss } = record.curve;
  if (kept && Number.isFinite(keptLoss)) {
    svg.append(shape("circle", { cx: curve.x(kept), cy: curve.y(keptLoss), r: 4.5, fill: css(colors.text) }));
  }
  curve.cursor = shape("line", { y1: curve.top, y2: bottom, stroke: css(colors.accent), "stroke-width": 2 });
  svg.append(curve.cursor);
}

function paintCurve() {
  if (!curve.cursor) return;
  const epoch = record.epochs[state.frame], x = curve.x(epoch).toFixed(1);
  curve.cursor.setAttribute("x1", x);
  curve.cursor.setAttribute("x2", x);
  const which = record.curve.validation ? "Loss of training, of validation (dashed), and the epoch kept (dot)"
    : "Loss of training";
  byId("curve-caption").textContent = `${which}${curve.log ? ", log scale" : ""}. ` +
    `Objective of the samples shown: ${short(scalar("objective"))}`;
  byId("curve").setAttribute("aria-label", `Loss curve from ${short(record.curve.loss[0])} to ` +
    `${short(record.curve.loss.at(-1))}; the cursor is at epoch ${epoch}`);
}

function seekOnCurve(event) {
  const share = (event.clientX - byId("curve").getBoundingClientRect().left - curve.left) /
    (curve.width - curve.left - curve.right);
  const epoch = share * curve.last;
  const distance = record.epochs.map((e) => Math.abs(e - epoch));
  choose({ frame: distance.indexOf(Math.min(...distance)) });
}

// ---------------------------------------------------------------- the decision surface

const CLASSES = ["#c2410c", "#1d6fb8", "#15803d", "#7e22ce", "#a16207", "#0e7490", "#be185d", "#4d7c0f"];
const surface = { pixels: null };

function surfaceColor(level) { // of 0 … 255
  if (record.surface.kind === "class") {
    const hex = CLASSES[level % CLASSES.length];
    return [1, 3, 5].map((at, k) => (parseInt(hex.slice(at, at + 2), 16) + colors.page[k]) >> 1);
  }
  return mix((level - 127.5) / 127.5);
}

function layoutSurface() {
  if (!record.surface) return;
  byId("surface-figure").hidden = false;
  byId("surface-caption").replaceChildren(record.surface.caption, surfaceKey());
  surface.pixels = surface.pixels || bytesOf(record.surface.levels);
  const canvas = byId("surface"), ratio = window.devicePixelRatio || 1;
  canvas.width = canvas.clientWidth * ratio;
  canvas.height = canvas.clientHeight * ratio;
}

function surfaceKey() {
  const { kind, limits } = record.surface, key = element("span", undefined, { class: "key" });
  const named = kind === "class" ? record.outputs.map((name, k) => [name, CLASSES[k % CLASSES.length]])
    : [[short(limits[0]), css(colors.negative)], [short(limits[1]), css(colors.positive)]];
  named.forEach(([name, color]) =>
    key.append(element("i", undefined, { class: "swatch", style: `background: ${color}` }), name));
  return key;
}

function paintSurface() {
  if (!record.surface) return;
  const { n, box, points } = record.surface, canvas = byId("surface"), context = canvas.getContext("2d");
  const image = new ImageData(n, n), start = state.frame * n * n;
  for (let k = 0; k < n * n; k++) image.data.set([...surfaceColor(surface.pixels[start + k]), 255], 4 * k);
  const small = new OffscreenCanvas(n, n);
  small.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = record.surface.kind !== "class";
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  const place = ([x, y]) => [((x - box[0]) / (box[1] - box[0])) * canvas.width,
    (1 - (y - box[2]) / (box[3] - box[2])) * canvas.height];
  const dot = (point, fill, size, edge, width) => {
    context.beginPath();
    context.arc(...place(point), size, 0, 7);
    context.fillStyle = fill;
    context.fill();
    context.strokeStyle = edge;
    context.lineWidth = width;
    context.stroke();
  };
  const unit = canvas.width / Math.max(1, canvas.clientWidth);
  const fill = (level) => record.surface.kind === "class" ? CLASSES[level % CLASSES.length] : css(surfaceColor(level));
  points.forEach(([x, y, level]) => dot([x, y], fill(level), 4.5 * unit, css(colors.text), unit));
  const [x, y, level] = record.surface.shown[state.sample];
  dot([x, y], fill(level), 7 * unit, css(colors.accent), 3 * unit);
  canvas.setAttribute("aria-label", `${record.surface.caption}, at epoch ${record.epochs[state.frame]}`);
}
