"""Pages whose Python blocks run when the site is built, and show what comes out.

On a page named in ``live_pages`` all ```` ```python ```` blocks run in order in one namespace.
Below a block stands what it printed, the value of its last line (a tuple's values side by
side), and what it drew. An error ends the build. The files that blocks write go to ``live/``
of the site, so that a page can show them. The forge, which runs nothing, shows the code.
"""

import ast
import contextlib
import html
import io
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError


def run_page(app, doctree):
    """Run a page's blocks, and put what comes out below each."""
    drop_needs(doctree)
    name = app.env.docname
    if name not in app.config.live_pages:
        return
    folder = Path(app.outdir) / "live"
    folder.mkdir(parents=True, exist_ok=True)
    namespace = {"__name__": "__main__"}
    blocks = [b for b in doctree.findall(nodes.literal_block) if b.get("language") == "python"]
    for number, block in enumerate(blocks):
        with contextlib.chdir(folder):
            parts = run_block(block.astext(), namespace, f"{name}, line {block.line}")
            figures = save_figures(f"{name.replace('/', '-')}-{number}")
        up = "../" * name.count("/")
        parts += [f'<img class="dark-light" alt="" src="{up}live/{file}">' for file in figures]
        if parts:
            content = f'<div class="live-output">{"".join(parts)}</div>'
            block.parent.insert(
                block.parent.index(block) + 1, nodes.raw("", content, format="html")
            )


def drop_needs(doctree):
    """Drop the comments that tell the tests which packages a block needs."""
    for node in list(doctree.findall(nodes.raw)):
        if node.astext().startswith("<!-- needs:"):
            node.parent.remove(node)


def run_block(source, namespace, place):
    """Run a block; return what it printed and the value of its last line, as HTML."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(tree, place, "exec"), namespace)
            if last is not None:
                value = eval(compile(ast.Expression(last.value), place, "eval"), namespace)
    except Exception as error:
        raise ExtensionError(f"{place}: {error!r} in\n{source}", error) from error
    parts = [f"<pre>{html.escape(printed.getvalue())}</pre>"] if printed.getvalue() else []
    says_something = type(value).__repr__ is not object.__repr__  # no "object at 0x7f…"
    if value is not None and (says_something or hasattr(value, "_repr_html_")):
        parts.append(as_html(value, last.value))
    return parts


def as_html(value, expression):
    """Return a value as a notebook would show it; a tuple's values side by side, with names."""
    if isinstance(value, tuple) and isinstance(expression, ast.Tuple):
        pairs = zip(value, expression.elts, strict=True)
        figures = (
            f"<figure><figcaption>{html.escape(caption(node))}</figcaption>"
            f"{as_html(each, node)}</figure>"
            for each, node in pairs
        )
        return f'<div class="live-row">{"".join(figures)}</div>'
    if hasattr(value, "_repr_html_"):
        return f'<div class="live-table">{value._repr_html_()}</div>'
    return f"<pre>{html.escape(repr(value))}</pre>"


def caption(node):
    """Return what stands above a value: its code, without how it is rounded."""
    return ast.unparse(node).removesuffix(".round(5)").replace("'", '"')


def save_figures(stem):
    """Save what matplotlib has open; return the names of the files."""
    from matplotlib import pyplot as plt

    names = []
    for number in plt.get_fignums():
        names.append(f"{stem}-{number}.svg")
        plt.figure(number).savefig(names[-1], bbox_inches="tight")
    plt.close("all")
    return names


def setup(app):
    """Register with Sphinx."""
    app.add_config_value("live_pages", [], "env")
    app.connect("doctree-read", run_page)
    return {"parallel_read_safe": True}
