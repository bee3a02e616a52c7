// The recorded numbers, the tables that show them, and what is chosen.

const record = JSON.parse(document.getElementById("record").textContent);
const bytesOf = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
const numbers = new Float32Array(bytesOf(record.numbers).buffer);
const tableOf = Object.fromEntries(record.tables.map((table) => [table.key, table]));
const state = { frame: 0, sample: 0, cell: null, playing: null };
const byId = (id) => document.getElementById(id);

function value(key, i, j, frame = state.frame) {
  const table = tableOf[key];
  return numbers[frame * record.stride + table.offset + i * table.columns.length + j];
}

function scalar(name) {
  return record.scalars[name][state.frame];
}

// A number in a sentence: four significant digits, no noise.
function short(x) {
  if (x === null || Number.isNaN(x)) return "nan";
  if (x === 0 || !Number.isFinite(x)) return String(x === 0 ? 0 : x);
  const size = Math.abs(x);
  return size >= 1e-4 && size < 1e6 ? String(Number(x.toPrecision(4))) : x.toExponential(2);
}

// How many digits a table's numbers need so that the largest has four that matter.
function writer(table) {
  let largest = 0, whole = true;
  for (let i = 0; i < table.rows.length; i++) {
    for (let j = 0; j < table.columns.length; j++) {
      const size = Math.abs(value(table.key, i, j));
      if (!Number.isFinite(size)) continue;
      largest = Math.max(largest, size);
      whole = whole && Number.isInteger(size);
    }
  }
  const exponent = largest > 0 ? Math.floor(Math.log10(largest)) : 0;
  if (exponent < -5 || exponent > 6) return (x) => x.toExponential(3);
  const digits = whole ? 0 : Math.max(0, 3 - exponent);
  return (x) => {
    const text = x.toFixed(digits);
    return Number(text) === 0 ? text.replace("-", "") : text;
  };
}

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, given] of Object.entries(attributes)) made.setAttribute(name, given);
  return made;
}

function buildTables() {
  for (const section of record.sections) {
    const details = element("details", undefined, { open: "" });
    const summary = element("summary");
    summary.append(element("h2", section.title), element("span", "", { "data-line": section.title }));
    const row = element("div", undefined, { class: "row" });
    record.tables.filter((table) => table.section === section.title)
      .forEach((table) => row.append(buildTable(table)));
    details.append(summary, row);
    byId("tables").append(details);
  }
}

function buildTable(table) {
  const box = element("figure", undefined, { class: "table" });
  const grid = element("table", undefined, { id: `table-${table.key}`, "aria-label": table.name });
  const caption = element("figcaption");
  caption.append(element("b", table.symbol), `: ${table.name}${table.formula && " = " + table.formula}`);
  const head = element("tr");
  head.append(element("td"), ...table.columns.map((name) => element("th", name, { scope: "col" })));
  const top = element("thead");
  top.append(head);
  const body = element("tbody");
  table.cells = table.rows.map((name, i) => {
    const line = element("tr");
    const cells = table.columns.map((_, j) =>
      element("td", "", { tabindex: i + j ? -1 : 0, "data-key": table.key, "data-i": i, "data-j": j }));
    line.append(element("th", name, { scope: "row" }), ...cells);
    body.append(line);
    return cells;
  });
  grid.append(top, body);
  box.append(caption, grid);
  return box;
}

function fillTables() {
  for (const table of record.tables) {
    const write = writer(table);
    table.cells.forEach((cells, i) => {
      cells.forEach((cell, j) => { cell.textContent = write(value(table.key, i, j)); });
      cells[0].parentNode.classList.toggle("chosen", table.of === "samples" && i === state.sample);
    });
  }
  for (const span of document.querySelectorAll("[data-line]")) {
    span.textContent = sectionLine(span.dataset.line);
  }
}

function sectionLine(title) {
  if (title === "Loss") {
    const after = scalar("objective_after");
    const penalty = scalar("penalty");
    return `objective ${short(scalar("objective"))}` +
      (penalty ? ` = mean loss ${short(scalar("loss"))} + L2 penalty ${short(penalty)}` : "") +
      (after === null ? "" : `; after the step ${short(after)}`);
  }
  if (title === "Update") {
    const norm = scalar("gradient_norm"), clipped = scalar("clipped_norm");
    return `${record.optimizer}, learning rate ${short(scalar("learning_rate"))}, gradient norm ` +
      short(norm) + (clipped < norm * (1 - 1e-6) ? `, shortened to ${short(clipped)}` : "");
  }
  return "";
}
