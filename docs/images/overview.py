"""The picture of the README: python docs/images/overview.py, after a change of the tables.

Its figures are those of "Measured" in docs/tabular.md and of the README's benchmark table.
"""

import re
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
RIVALS = {
    "MLP, scaled": "MLP, scaled",
    "HistGradientBoosting": "HistGradient\nBoosting",
    "CatBoost": "CatBoost",
    "`TabularClassifier()`": "Tabular…",
}
THEMES = {"light": ("#1f2328", "#2f6fdb", "#b9c2cc"), "dark": ("#dfe5ec", "#6ea8fe", "#59636e")}


def errors():
    """Return for each rival its errors, for classes and numbers, by those of the scaled MLP."""
    rows = (HERE.parent / "tabular.md").read_text(encoding="utf-8").splitlines()
    found = {}
    for start, name in RIVALS.items():
        (row,) = [row for row in rows if row.startswith(f"| {start}") and row.count("|") == 7]
        cells = [float(cell.strip(" *")) for cell in row.split("|")[2:6]]
        found[name] = cells[0], cells[3]
    base = found["MLP, scaled"]
    return {name: (a / base[0], b / base[1]) for name, (a, b) in found.items()}


def speeds():
    """Return for each case of the benchmark how many times as fast a fit is, in float32."""
    text = (HERE.parent.parent / "README.md").read_text(encoding="utf-8")
    rows = re.search(r"<!-- benchmark table -->(.*?)<!-- end", text, re.DOTALL)[1].splitlines()
    cells = [[c.strip() for c in row.split("|")[1:-1]] for row in rows if row.startswith("| ")]
    return {f"{c[0]}\n{c[1]}": float(c[5]) for c in cells if c[5].replace(".", "").isdigit()}


def draw(theme):
    """Draw and save the picture in the colors of a theme."""
    ink, ours, others = THEMES[theme]
    plt.rcParams.update({"text.color": ink, "axes.labelcolor": ink, "axes.edgecolor": ink,
                         "xtick.color": ink, "ytick.color": ink, "font.size": 10})  # fmt: skip
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3), layout="constrained")
    names = list(errors())
    for k, kind in enumerate(("classes", "numbers")):
        places = [i + 0.4 * k for i in range(len(names))]
        colors = [ours if name == "Tabular…" else others for name in names]
        bars = left.bar(places, [errors()[name][k] for name in names], 0.37, color=colors)
        left.bar_label(bars, [f"{kind}\n{errors()[name][k]:.2f}" for name in names], fontsize=8)
    left.set_xticks([i + 0.2 for i in range(len(names))], names)
    left.set(ylim=(0, 1.28), title="error on tables, no settings (less is better)", yticks=[])
    cases = speeds()
    bars = right.bar(list(cases), list(cases.values()), 0.6, color=ours)
    right.bar_label(bars, [f"{value:g} ×" for value in cases.values()])
    right.axhline(1, color=others)
    right.text(4.45, 12.5, "the line is scikit-learn's MLP, which is 1", ha="right", fontsize=8)
    right.set(ylim=(0, 16.5), title="speed of a fit, Backprop… (more is better)", yticks=[])
    for ax in (left, right):
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.title.set_fontsize(11)
        ax.tick_params(axis="x", labelsize=8.5)
    figure.savefig(HERE / f"overview-{theme}.png", dpi=110, transparent=theme == "dark")


if __name__ == "__main__":
    for each in THEMES:
        draw(each)
