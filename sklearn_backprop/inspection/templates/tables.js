// The tables of a step: small ones in digits, large ones as heat maps.

function buildTables() {
  for (const section of record.sections) {
    const details = element("details", undefined, { open: "" });
    const summary = element("summary");
    summary.append(element("h2", section.title), element("span", "", { "data-line": section.title }));
    const row = element("div", undefined, { class: "row" });
    record.tables.filter((table) => table.section === section.title)
      .forEach((table) => row.append(build(table)));
    details.append(summary, row);
    details.addEventListener("toggle", fillTables); // what is folded is not painted
    byId("tables").append(details);
  }
}

function build(table) {
  if (record.picture && table.key === "X") return buildPictures(table);
  return table.is_drawn ? buildHeatmap(table) : buildTable(table);
}

function captionOf(table) {
  const caption = element("figcaption");
  caption.append(element("b", table.symbol), `: ${table.name}${table.formula && " = " + table.formula}`);
  return caption;
}

function buildTable(table) {
  const box = element("figure", undefined, { class: "table" });
  const grid = element("table", undefined, { id: `table-${table.key}`, "aria-label": table.name });
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
  box.append(captionOf(table), grid);
  return box;
}

function fillTables() {
  for (const table of record.tables) {
    if (!byId(`table-${table.key}`).closest("details").open) continue;
    if (table.heat) paintHeatmap(table);
    else if (table.pictures) paintTablePictures(table);
    else fillTable(table);
  }
  for (const span of document.querySelectorAll("[data-line]")) {
    span.textContent = sectionLine(span.dataset.line);
  }
}

function fillTable(table) {
  const write = writer(table), values = valuesOf(table), n = table.columns.length;
  table.cells.forEach((cells, i) => {
    cells.forEach((cell, j) => {
      const text = write(values[i * n + j]);
      if (cell.textContent !== text) cell.textContent = text;
    });
    cells[0].parentNode.classList.toggle("chosen", table.of === "samples" && i === state.sample);
  });
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
