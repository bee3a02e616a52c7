// Large tables as heat maps on a canvas with a pixel a cell, and inputs that are pictures.

const CELL = 10, HIGHEST = 230; // CSS pixels

function buildHeatmap(table) {
  const box = element("figure", undefined, { class: "table heat" }), caption = captionOf(table);
  const lies = table.rows.length > 1.5 * table.columns.length; // the longer side goes across
  const [across, down] = lies ? [table.rows, table.columns] : [table.columns, table.rows];
  const canvas = element("canvas", undefined, { id: `table-${table.key}`, tabindex: 0, role: "img",
    "data-key": table.key, width: across.length, height: down.length });
  canvas.style.width = `${across.length * CELL}px`;
  canvas.style.height = `${Math.min(HIGHEST, down.length * CELL)}px`;
  const scale = element("p", undefined, { class: "scale" }), mark = element("i", undefined, { class: "mark" });
  mark.hidden = true;
  const frame = element("div", undefined, { class: "heat-frame" });
  frame.append(canvas, mark);
  box.append(caption, frame, scale);
  table.heat = { canvas, scale, mark, lies, marks: [], at: [0, 0],
    size: `${sides(across)} across, ${sides(down)} down${meansOf(table)}` };
  return box;
}

const sides = (names) => (names.length === 1 ? names[0] : `${names[0]} to ${names.at(-1)}`);
const meansOf = ({ block }) => (block ? `; means of ${block[0]} × ${block[1]} cells` : "");

function paintHeatmap(table) {
  const { canvas, lies, marks } = table.heat, values = valuesOf(table), n = table.columns.length;
  const largest = largestOf(values) || 1, turned = ([i, j]) => (lies ? [i, j] : [j, i]);
  paintPixels(canvas, (x, y) => pixel(values[lies ? x * n + y : y * n + x], largest), marks.map(turned));
  canvas.classList.toggle("fine", canvas.width > canvas.clientWidth);
  const text = `${table.symbol}: ${table.name}, ${table.heat.size}`;
  canvas.setAttribute("aria-label", `${text}; the largest is ${short(largest)}`);
  table.heat.scale.replaceChildren(short(-largest), element("i", undefined, { class: "ramp" }),
    `${short(largest)} · ${table.heat.size}`);
}

// Inputs as pictures, one a sample; the one chosen has a frame.
function buildPictures(table) {
  const box = element("figure", undefined, { class: "table heat" });
  const row = element("div", undefined, { class: "pictures", id: `table-${table.key}` });
  const [height, width] = record.picture;
  table.pictures = table.rows.map((name, i) => {
    const canvas = element("canvas", undefined, { role: "img", width, height, title: name,
      "aria-label": name, "data-key": table.key, "data-i": i });
    canvas.style.aspectRatio = `${width} / ${height}`;
    return canvas;
  });
  row.append(...table.pictures);
  box.append(captionOf(table), row);
  return box;
}

// Raw numbers of a picture, whatever standardization made of them.
function raw(i, j) {
  const scale = record.feature_scaler, x = value("X", i, j);
  return scale ? x * scale.scale[j] + scale.center[j] : x;
}

const greys = {}; // lowest and highest of all samples

function readGreys() {
  const all = record.samples.flatMap((_, i) => record.features.map((_, j) => raw(i, j)));
  greys.low = all.reduce((a, b) => Math.min(a, b));
  greys.high = all.reduce((a, b) => Math.max(a, b));
}

function paintSample(canvas, i, marks = []) {
  const width = canvas.width, span = greys.high - greys.low || 1;
  paintPixels(canvas, (x, y) => {
    const level = Math.round((255 * (raw(i, y * width + x) - greys.low)) / span);
    return opaque([level, level, level]);
  }, marks);
}

function paintTablePictures(table) {
  table.pictures.forEach((canvas, i) => {
    paintSample(canvas, i);
    canvas.classList.toggle("chosen", i === state.sample);
  });
}

// The cell of a table that a canvas shows under the pointer.
function cellUnder(canvas, event) {
  const table = tableOf[canvas.dataset.key], [x, y] = pixelAt(canvas, event);
  if (table.pictures) return [table.key, Number(canvas.dataset.i), y * canvas.width + x];
  return [table.key, ...(table.heat.lies ? [x, y] : [y, x])];
}

// A frame around the cell explained: a pixel alone may be too small to see.
function frameCell(table, i, j) {
  const { canvas, mark, lies } = table.heat, [x, y] = lies ? [i, j] : [j, i];
  const across = canvas.clientWidth / canvas.width, down = canvas.clientHeight / canvas.height;
  mark.hidden = false;
  mark.style.cssText = `left: ${x * across - 2}px; top: ${y * down - 2}px; ` +
    `width: ${Math.max(4, across) + 4}px; height: ${Math.max(4, down) + 4}px`;
  table.heat.at = [i, j];
}

function moveInHeatmap(event) {
  const table = tableOf[event.target.dataset?.key], move = MOVES[event.key];
  if (!table?.heat || !move) return false;
  const [di, dj] = table.heat.lies ? [move[1], move[0]] : move, [i, j] = table.heat.at;
  const inside = (k, names) => Math.max(0, Math.min(names.length - 1, k));
  explainThis([table.key, inside(i + di, table.rows), inside(j + dj, table.columns)]);
  event.preventDefault();
  return true;
}

function unmarkHeatmaps() {
  for (const table of record.tables.filter(({ heat }) => heat)) {
    table.heat.mark.hidden = true;
    if (table.heat.marks.length) {
      table.heat.marks = [];
      paintHeatmap(table);
    }
  }
}

function markHeatmaps(operands) {
  const marked = new Set();
  for (const [key, i, j] of operands) {
    const table = tableOf[key];
    if (!table.heat || !table.rows[i] || !table.columns[j]) continue;
    table.heat.marks.push([i, j]);
    marked.add(table);
  }
  marked.forEach(paintHeatmap);
}
