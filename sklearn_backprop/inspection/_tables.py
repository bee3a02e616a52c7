"""Small tables of numbers, as aligned text and as HTML."""

from dataclasses import dataclass, field
from html import escape
from itertools import zip_longest
from textwrap import wrap

import numpy as np


@dataclass
class Table:
    """A quantity of a step: its numbers, and what they are.

    Parameters
    ----------
    key : str
        Short name, ``delta1``.
    symbol : str
        What the field writes, ``dL/dZ1``.
    name : str
        What it is called, "delta".
    formula : str
        Where it comes from, "error × slope"; may be empty.
    rows, columns : list of str
        What the rows and the columns stand for.
    values : ndarray or CSR matrix of shape (n_rows, n_columns)
        The numbers.
    """

    key: str
    symbol: str
    name: str
    formula: str
    rows: list
    columns: list
    values: np.ndarray

    @property
    def title(self):
        """Symbol, name and formula in a line."""
        return f"{self.symbol}: {self.name}" + (f" = {self.formula}" if self.formula else "")

    def cut(self, max_rows, max_columns):
        """Return labels and numbers of a table of at most this size; None marks what is left out.

        Returns
        -------
        rows, columns : list of str
        values : list of list of float or None
        """
        row_index, column_index = (
            _kept(len(self.rows), max_rows),
            _kept(len(self.columns), max_columns),
        )
        kept_rows = [i for i in row_index if i is not None]
        some = self.values[kept_rows]
        dense = dict(
            zip(kept_rows, some if isinstance(some, np.ndarray) else some.toarray(), strict=True)
        )
        values = [
            [None if None in (i, j) else float(dense[i][j]) for j in column_index]
            for i in row_index
        ]
        return (
            ["…" if i is None else self.rows[i] for i in row_index],
            ["…" if j is None else self.columns[j] for j in column_index],
            values,
        )


@dataclass
class Section:
    """Tables that belong together, under a heading, after some lines of text."""

    title: str
    lines: list = field(default_factory=list)
    tables: list = field(default_factory=list)


def _kept(n, at_most):
    """Return the indices to show of n: all, or those from both ends with None between."""
    if n <= at_most:
        return list(range(n))
    first = (at_most + 1) // 2
    return [*range(first), None, *range(n - at_most // 2, n)]


def formatter(numbers, precision):
    """Return a function that writes numbers of one table so that they stand under one another.

    The largest has ``precision`` significant digits; numbers that would take too many
    places are written with exponents.
    """
    sizes = [abs(number) for number in numbers if number is not None and np.isfinite(number)]
    largest = max(sizes, default=0.0)
    exponent = int(np.floor(np.log10(largest))) if largest > 0 else 0
    if not -5 <= exponent <= 6:
        return lambda number: "…" if number is None else f"{number:.{precision - 1}e}"
    digits = 0 if all(size == int(size) for size in sizes) else max(0, precision - 1 - exponent)
    # 0.0 + turns -0.0 into 0.0, after rounding
    return lambda number: "…" if number is None else f"{0.0 + round(number, digits):.{digits}f}"


def as_text(sections, precision, max_rows, max_columns, width):
    """Return sections as lines of text, with tables side by side where they fit."""
    lines = []
    for section in sections:
        text = [line for given in section.lines for line in wrap(given, width)]
        lines += [section.title, "=" * len(section.title), *text, ""]
        line_of_blocks = []
        for table in section.tables:
            block = _block(table, precision, max_rows, max_columns)
            taken = sum(len(other[0]) + 4 for other in line_of_blocks)
            if line_of_blocks and taken + len(block[0]) > width:
                lines += [*_beside(line_of_blocks), ""]
                line_of_blocks = []
            line_of_blocks.append(block)
        if line_of_blocks:
            lines += [*_beside(line_of_blocks), ""]
    return "\n".join(lines).rstrip()


def _block(table, precision, max_rows, max_columns):
    """Return a table as lines of one length."""
    rows, columns, values = table.cut(max_rows, max_columns)
    write = formatter([number for row in values for number in row], precision)
    cells = [[write(number) for number in row] for row in values]
    stub = max((len(row) for row in rows), default=0)
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    lines = [table.title, " " * stub + "".join(_right(columns, widths))]
    for row, line in zip(rows, cells, strict=True):
        lines.append(f"{row:<{stub}}" + "".join(_right(line, widths)))
    longest = max(map(len, lines))
    return [f"{line:<{longest}}" for line in lines]


def _right(cells, widths):
    return [f"  {cell:>{width}}" for cell, width in zip(cells, widths, strict=True)]


def _beside(blocks):
    """Return blocks side by side, as lines."""
    empty = [" " * len(block[0]) for block in blocks]
    return [
        "    ".join(line or gap for line, gap in zip(row, empty, strict=True)).rstrip()
        for row in zip_longest(*blocks)
    ]


STYLE = """
.backprop-step { font-size: 0.9em; line-height: 1.4; }
.backprop-step .tables { display: flex; flex-wrap: wrap; gap: 0.5em 2em; margin: 0.3em 0 1em; }
.backprop-step figure { margin: 0; max-width: 100%; overflow-x: auto; }
.backprop-step figcaption { margin-bottom: 0.2em; }
.backprop-step table { border-collapse: collapse; margin: 0; }
.backprop-step th, .backprop-step td { padding: 0.1em 0.5em; text-align: right; border: 0;
  font-variant-numeric: tabular-nums; background: none; }
.backprop-step thead th {
  border-bottom: 1px solid color-mix(in srgb, currentColor 35%, transparent); }
.backprop-step tbody th { text-align: left; }
.backprop-step th { font-weight: normal; opacity: 0.75; }
.backprop-step h4 { margin: 0.8em 0 0.3em; }
.backprop-step p { margin: 0.1em 0; }
""".strip()


def as_html(sections, title, precision=4, max_rows=20, max_columns=20):
    """Return sections as HTML for a notebook; colours are those of the page it stands in."""
    parts = [f'<div class="backprop-step"><style>{STYLE}</style>', f"<p>{escape(title)}</p>"]
    for section in sections:
        parts.append(f"<h4>{escape(section.title)}</h4>")
        parts += [f"<p>{escape(line)}</p>" for line in section.lines]
        figures = (_figure(table, precision, max_rows, max_columns) for table in section.tables)
        parts.append('<div class="tables">' + "".join(figures) + "</div>")
    return "".join([*parts, "</div>"])


def _figure(table, precision, max_rows, max_columns):
    rows, columns, values = table.cut(max_rows, max_columns)
    write = formatter([number for row in values for number in row], precision)
    formula = f" = {escape(table.formula)}" if table.formula else ""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(row)}</th>'
        + "".join(f"<td>{write(number)}</td>" for number in line)
        + "</tr>"
        for row, line in zip(rows, values, strict=True)
    )
    return (
        f"<figure><figcaption><b>{escape(table.symbol)}</b>: {escape(table.name)}{formula}"
        f"</figcaption><table><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table>"
        "</figure>"
    )
