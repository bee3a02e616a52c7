// Where each number comes from, in numbers: "0.034 = 0.83 × 0.042".

const LONGEST_SUM = 8;
const inParentheses = (x) => (x < 0 ? `(${short(x)})` : short(x));
const times = (a, b) => `${inParentheses(a)} × ${inParentheses(b)}`;

// A sum of products; of a long one the largest terms.
function sum(pairs, rest = []) {
  const terms = pairs.map(([a, b]) => [Math.abs(a * b), times(a, b)]);
  let shown = terms.map((term) => term[1]);
  if (terms.length > LONGEST_SUM) {
    shown = terms.sort((a, b) => b[0] - a[0]).slice(0, LONGEST_SUM - 2).map((term) => term[1]);
    shown.push(`… (${terms.length} products)`);
  }
  return [...shown, ...rest].join(" + ");
}

function cellsOf(keyA, cellsA, keyB, cellsB) {
  return [...cellsA.map(([i, j]) => [keyA, i, j]), ...cellsB.map(([i, j]) => [keyB, i, j])];
}

// Each returns [the numbers, the words, the cells it is made of].
const EXPLANATIONS = {
  X(table, i, j) {
    const scale = record.feature_scaler;
    return scale
      ? [`(${short(raw(i, j))} - ${short(scale.center[j])}) / ${short(scale.scale[j])}`,
        `feature ${table.columns[j]}, standardized by its mean and scale`, []]
      : ["", `feature ${table.columns[j]} of ${table.rows[i]}`, []];
  },
  Y: () => ["", "what the output should be", []],
  W(table, i, j) {
    const isBias = i === table.rows.length - 1, gradient = `gradient_W${table.layer}`;
    const change = `update_W${table.layer}`, steps = tableOf[change] && !tableOf[change].block;
    return ["", (isBias ? `bias of ${table.columns[j]}`
      : `weight from ${table.rows[i]} to ${table.columns[j]}`) + `, before the step; its gradient is ` +
      short(value(gradient, i, j)) + (steps ? `, the step adds ${short(value(change, i, j))}` : ""),
      [[gradient, i, j], ...(steps ? [[change, i, j]] : [])]];
  },
  Z(table, i, j) {
    const weights = `W${table.layer}`, n = tableOf[weights].rows.length - 1, from = below(table.layer);
    const pairs = range(n).map((k) => [value(from, i, k), value(weights, k, j)]);
    return [sum(pairs, [short(value(weights, n, j))]),
      table.layer === 1 ? "inputs × weights + bias" : "activations below × weights + bias",
      cellsOf(from, range(n).map((k) => [i, k]), weights, range(n + 1).map((k) => [k, j]))];
  },
  mask: () => ["", "dropout: 0 silences the unit, the others are scaled up", []],
  A(table, i, j) {
    const net = `Z${table.layer}`, f = record.layers[table.layer - 1].function, mask = `mask${table.layer}`;
    const isSoftmax = f === "softmax";
    const text = isSoftmax ? `softmax of ${table.rows[i]}'s net inputs` : `${f}(${short(value(net, i, j))})`;
    const row = range(table.columns.length).map((k) => [net, i, k]);
    return [tableOf[mask] ? `${text} × ${short(value(mask, i, j))}` : text,
      table.layer === lastLayer ? "the network's output" : "activation of the unit",
      isSoftmax ? row : [[net, i, j]]];
  },
  E(table, i, j) {
    const out = `A${lastLayer}`;
    return [`${short(value("Y", i, j))} - ${inParentheses(value(out, i, j))}`, "target - output",
      [["Y", i, j], [out, i, j]]];
  },
  loss(table, i, j) {
    const out = `A${lastLayer}`;
    return ["", `${record.loss} of this output and its target`, [["Y", i, j], [out, i, j]]];
  },
  share: () => ["", "the sample's weight / (number of samples × mean weight)", []],
  error(table, i, j) {
    const n = table.layer;
    if (n === lastLayer) {
      const share = value("share", i, 0);
      return [share ? times(value(table.key, i, j) / share, share) : "",
        `derivative of ${record.loss} by the output × share of the sample`,
        [["Y", i, j], [`A${n}`, i, j], ["share", i, 0]]];
    }
    const delta = `delta${n + 1}`, weights = `W${n + 1}`;
    const above = range(tableOf[weights].columns.length);
    const name = n + 1 === lastLayer ? "output delta × output weight" : "delta above × weight to there";
    return [sum(above.map((k) => [value(weights, j, k), value(delta, i, k)])), name,
      cellsOf(delta, above.map((k) => [i, k]), weights, above.map((k) => [j, k]))];
  },
  slope(table, i, j) {
    const net = `Z${table.layer}`, f = record.layers[table.layer - 1].function;
    return [`${f}'(${short(value(net, i, j))})`, `slope of ${f} at the net input`, [[net, i, j]]];
  },
  delta(table, i, j) {
    const n = table.layer, error = `error${n}`, slope = `slope${n}`;
    if (n === lastLayer && record.is_canonical) {
      const out = value(`A${n}`, i, j), target = value("Y", i, j);
      return [`(${short(out)} - ${inParentheses(target)}) × ${short(value("share", i, 0))}`,
        `(output - target) × share, which is error × slope for ${record.loss} and ` +
        record.layers[n - 1].function, [[`A${n}`, i, j], ["Y", i, j], ["share", i, 0]]];
    }
    if (!tableOf[slope]) {
      return ["", `error through the Jacobian of ${record.layers[n - 1].function}`,
        range(table.columns.length).map((k) => [error, i, k])];
    }
    return [times(value(error, i, j), value(slope, i, j)), "error × slope", [[error, i, j], [slope, i, j]]];
  },
  gradient_W(table, i, j) {
    const delta = `delta${table.layer}`, from = below(table.layer);
    const samples = range(record.samples.length), isBias = i === table.rows.length - 1;
    const column = samples.map((s) => [s, j]);
    if (isBias) {
      return [samples.map((s) => inParentheses(value(delta, s, j))).join(" + "),
        "sum of the deltas over the samples", column.map(([s, k]) => [delta, s, k])];
    }
    const penalty = record.penalty_share;
    const weight = value(`W${table.layer}`, i, j);
    return [sum(samples.map((s) => [value(from, s, i), value(delta, s, j)]),
      penalty ? [`${short(penalty)} × ${inParentheses(weight)}`] : []),
      `${from === "X" ? "input" : "activation below"} × delta, summed over the samples` +
      (penalty ? ", + L2 penalty × weight" : ""),
      cellsOf(from, samples.map((s) => [s, i]), delta, column)];
  },
  update_W(table, i, j) {
    if (table.block) {
      return ["", `mean update of a block of ${table.block[0]} × ${table.block[1]} weights, by ` +
        record.optimizer, []];
    }
    const gradient = `gradient_W${table.layer}`, rate = scalar("learning_rate");
    const g = value(gradient, i, j), change = value(table.key, i, j);
    const isPlain = record.is_plain_descent && scalar("clipped_norm") >= scalar("gradient_norm") * (1 - 1e-6);
    return [isPlain ? `-${short(rate)} × ${inParentheses(g)}` : "",
      isPlain ? "-learning rate × gradient"
        : `by ${record.optimizer} from the gradient ${short(g)} and what it remembers of earlier ones` +
          (change ? "" : ": none"), [[gradient, i, j]]];
  },
  W_after(table, i, j) {
    const before = `W${table.layer}`, change = `update_W${table.layer}`;
    return [`${short(value(before, i, j))} + ${inParentheses(value(change, i, j))}`,
      "before + update", [[before, i, j], [change, i, j]]];
  },
};

function explain(key, i, j) {
  const table = tableOf[key];
  const [numbersText, words, operands] = EXPLANATIONS[table.quantity](table, i, j);
  const row = table.columns.length > 1 || table.rows.length > 1 ? ` [${table.rows[i]}, ${table.columns[j]}]` : "";
  const number = (table.is_coarse ? "≈ " : "") + short(value(key, i, j));
  return { where: table.symbol.split(",")[0] + row, number, numbersText, words, operands };
}

function explainThis(cell) {
  if (state.cell && cell.every((part, k) => part === state.cell[k])) return;
  state.cell = cell;
  showExplanation();
}

function showExplanation() {
  document.querySelectorAll(".explained, .operand").forEach((marked) =>
    marked.classList.remove("explained", "operand"));
  unmarkHeatmaps();
  paintUnit();
  if (!state.cell) return;
  const [key, i, j] = state.cell, table = tableOf[key];
  const told = explain(key, i, j);
  table.cells?.[i][j].classList.add("explained");
  if (table.heat) frameCell(table, i, j);
  told.operands.forEach(([k, r, c]) => tableOf[k].cells?.[r]?.[c]?.classList.add("operand"));
  markHeatmaps(told.operands);
  markInNetwork(key, i, j);
  const line = byId("explained");
  line.replaceChildren(
    element("b", told.number + (told.numbersText && ` = ${told.numbersText}`)), `: ${told.words} `,
    element("small", `(${told.where})`));
}
