// The loss curve, the decision surface, and weights as pictures.

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

// ---------------------------------------------------------------- weights as a picture

// What the unit of the first layer that is pointed at looks for: its weights, a pixel an input.
function paintUnit() {
  if (!record.picture) return;
  const cell = state.cell, table = cell && tableOf[cell[0]], isFirst = table && table.layer === 1 && !table.block;
  if (isFirst) state.unit = cell[2];
  const canvas = byId("unit"), key = state.backward ? "gradient_W1" : "W1", n = tableOf[key].columns.length;
  [canvas.height, canvas.width] = record.picture;
  const weights = (x, y) => value(key, y * canvas.width + x, state.unit);
  const values = valuesOf(tableOf[key]), column = Float32Array.from(record.features, (_, i) => values[i * n + state.unit]);
  const largest = largestOf(column) || 1;
  paintPixels(canvas, (x, y) => pixel(weights(x, y), largest));
  const what = `${state.backward ? "Gradient" : "Weights"} into unit ${state.unit} of layer 1`;
  byId("unit-caption").textContent = `${what}, a pixel an input; largest ${short(largest)}`;
  canvas.setAttribute("aria-label", byId("unit-caption").textContent);
}
