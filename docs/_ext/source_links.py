"""Links from a page to a file of the repository lead to its source on the site.

On the forge ``[training.py](../sklearn_backprop/training.py)`` opens the file. Sphinx would make
a download of it; a module has a page of its source here, and so has an example.
"""

from pathlib import Path

from docutils import nodes
from sphinx import addnodes

ROOT = Path(__file__).parents[2]


def link_sources(app, doctree):
    """Turn downloads of Python files into links to pages of highlighted source."""
    for node in list(doctree.findall(addnodes.download_reference)):
        path = (Path(app.env.doc2path(app.env.docname)).parent / node["reftarget"]).resolve()
        if path.suffix != ".py" or not path.is_relative_to(ROOT):
            continue
        page = f"source/{path.relative_to(ROOT).with_suffix('').as_posix()}"
        app.env.linked_sources = getattr(app.env, "linked_sources", {}) | {page: str(path)}
        up = "../" * app.env.docname.count("/")
        link = nodes.reference("", "", internal=True, refuri=f"{up}{page}.html")
        link += node.children
        node.replace_self(link)


def source_pages(app):
    """Yield a page with the highlighted source of each file that was linked."""
    highlighter = app.builder.highlighter
    for page, path in getattr(app.env, "linked_sources", {}).items():
        file = Path(path)
        title = file.relative_to(ROOT).as_posix()
        code = highlighter.highlight_block(
            file.read_text(encoding="utf-8"), "python", linenos=False
        )
        body = f"<h1>{title}</h1>{code}"
        yield page, {"title": title, "body": body, "parents": []}, "page.html"


def setup(app):
    """Register with Sphinx."""
    app.connect("doctree-read", link_sources)
    app.connect("html-collect-pages", source_pages)
    return {"parallel_read_safe": False}
