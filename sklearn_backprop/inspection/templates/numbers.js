// The recorded numbers, what is chosen, and how a number is written.

const record = JSON.parse(document.getElementById("record").textContent);
const tableOf = Object.fromEntries(record.tables.map((table) => [table.key, table]));
const state = { frame: 0, sample: 0, cell: null, playing: null, backward: false, moment: null, unit: 0 };
const byId = (id) => document.getElementById(id);
const range = (n) => [...Array(n).keys()];
const lastLayer = record.layers.length;
const activationOf = (layer) => (layer ? `A${layer}` : "X"); // layer 0 are the inputs
const below = (layer) => activationOf(layer - 1);

function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
  return bytes;
}

// How a table is stored at an epoch, as _packing.py writes it.
const [SAME, EXACT, WORDS, BYTES, STEPS, PRODUCT, SUM] = range(7);

// All tables of all epochs one after another, as numbers.
function unpack() {
  const view = new DataView(bytesOf(record.numbers).buffer);
  const all = new Float32Array(record.epochs.length * record.stride);
  let at = 0;
  const read = (size, get) => { at += size; return view[get](at - size, true); };
  record.epochs.forEach((_, frame) => record.tables.forEach((table) => {
    const start = frame * record.stride + table.offset, end = start + cellCount(table);
    const before = start - record.stride, kind = read(1, "getUint8");
    if (kind === SAME) all.copyWithin(start, before, before + cellCount(table));
    if (kind === EXACT) for (let k = start; k < end; k++) all[k] = read(4, "getFloat32");
    if (kind === PRODUCT) multiply(all, frame, table, start);
    if (kind === SUM) addUp(all, frame, table, start);
    if (![WORDS, BYTES, STEPS].includes(kind)) return;
    const scale = read(4, "getFloat32"), old = kind === STEPS ? before : null;
    for (let k = start; k < end; k++) {
      const level = kind === WORDS ? read(2, "getInt16") : read(1, "getInt8");
      all[k] = (old === null ? 0 : all[old + k - start]) + level * scale;
    }
  }));
  return all;
}

const cellCount = (table) => table.rows.length * table.columns.length;

// A gradient from what it is made of: inputs of the layer, delta, and the penalty's weights.
function multiply(all, frame, { layer, columns, rows }, start) {
  const at = (key) => frame * record.stride + tableOf[key].offset;
  const inputs = at(below(layer)), delta = at(`delta${layer}`), weights = at(`W${layer}`);
  const n = columns.length, m = rows.length - 1, gradient = new Float64Array(n * (m + 1));
  for (let k = 0; k < n * m; k++) gradient[k] = record.penalty_share * all[weights + k];
  for (let s = 0; s < record.samples.length; s++) {
    const d = all.subarray(delta + s * n, delta + (s + 1) * n);
    for (let i = 0; i <= m; i++) {
      const a = i < m ? all[inputs + s * m + i] : 1; // the last row is the bias
      if (a) for (let j = 0; j < n; j++) gradient[i * n + j] += a * d[j];
    }
  }
  all.set(gradient, start);
}

function addUp(all, frame, table, start) {
  const at = (key) => frame * record.stride + tableOf[key].offset;
  const weights = at(`W${table.layer}`), update = at(`update_W${table.layer}`);
  for (let k = 0; k < cellCount(table); k++) all[start + k] = all[weights + k] + all[update + k];
}

const numbers = unpack();

function value(key, i, j, frame = state.frame) {
  const table = tableOf[key];
  const x = numbers[frame * record.stride + table.offset + i * table.columns.length + j];
  return table.is_drawn && Number.isFinite(x) ? Number(x.toFixed(decimals(table, frame))) : x;
}

// Of a heat map's numbers so many decimals are right: four digits of the largest, or of a very
// large one, which is kept in bytes, two.
function decimals(table, frame) {
  table.decimals = table.decimals || [];
  if (table.decimals[frame] === undefined) {
    const steps = table.is_coarse ? 254 : 16384;
    const digits = Math.floor(Math.log10(steps / (largestOf(valuesOf(table, frame)) || 1)));
    table.decimals[frame] = Math.max(0, Math.min(100, digits));
  }
  return table.decimals[frame];
}

// All numbers of a table at the epoch chosen.
function valuesOf(table, frame = state.frame) {
  const start = frame * record.stride + table.offset;
  return numbers.subarray(start, start + cellCount(table));
}

function scalar(name) {
  return record.scalars[name][state.frame];
}

function largestOf(values) {
  let largest = 0;
  for (let k = 0; k < values.length; k++) {
    const size = Math.abs(values[k]);
    if (size > largest && size < Infinity) largest = size;
  }
  return largest;
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
  const values = valuesOf(table), largest = largestOf(values);
  const whole = values.every((x) => !Number.isFinite(x) || Number.isInteger(x));
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

function shape(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, given] of Object.entries(attributes)) made.setAttribute(name, given);
  if (text !== undefined) made.textContent = text;
  return made;
}
