"""How the documentation is built: ``sphinx-build -W --keep-going -b html docs docs/_build``.

Nothing is fetched: no intersphinx, no web fonts, no MathJax (formulas are plain text).
"""

import inspect
import os
import sys
import warnings
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))
os.environ["MPLBACKEND"] = "Agg"

import sklearn_backprop  # noqa: E402

project = "sklearn_backprop"
copyright = "The sklearn_backprop developers"
version = release = sklearn_backprop.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "live",
    "source_links",
]
exclude_patterns = [
    "_build",
    "sg_execution_times.rst",
    "gallery/sg_*.rst",
    "gallery/backreferences",
]
templates_path = ["_templates"]

# Markdown: the files are read on the forge too, so no more than it takes
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4

live_pages = [
    "start",
    "by_hand",
    "extending",
    "faq",
    "migrate",
    "tabular",
    "user_guide/data",
    "user_guide/ensembles",
    "user_guide/inspection",
    "user_guide/lesson",
    "user_guide/losses",
    "user_guide/plots",
    "user_guide/stopping",
    "user_guide/streaming",
    "user_guide/training",
    "user_guide/tuning",
]

# docstrings
default_role = "py:obj"  # `name` in a docstring is a name
autosummary_generate = True
autodoc_member_order = "bysource"
toc_object_entries = False
numpydoc_show_class_members = False  # the class template does it
numpydoc_class_members_toctree = False
# the searches bear scikit-learn's docstrings, which refer to its own site
suppress_warnings = ["ref.ref", "ref.term", "config.cache"]

sphinx_gallery_conf = {
    "examples_dirs": [str(HERE.parent / "examples" / "gallery")],
    "gallery_dirs": ["gallery"],
    "filename_pattern": "plot_",
    "within_subsection_order": "gallery_order.GalleryOrder",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
    "image_scrapers": ("matplotlib",),
    "reset_modules": ("matplotlib",),
    "plot_gallery": True,
    # pages of the reference show the examples that use what they describe
    "doc_module": ("sklearn_backprop",),
    "backreferences_dir": "gallery/backreferences",
}
# an example that warns is an example to mend; matplotlib says so under Agg alone
warnings.filterwarnings("ignore", message=".*is non-interactive.*")

html_theme = "pydata_sphinx_theme"
html_title = "sklearn_backprop"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_context = {"default_mode": "auto"}
html_favicon = "_static/favicon.svg"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo.svg",
        "text": "sklearn_backprop",
    },
    "header_links_before_dropdown": 6,
    "navbar_align": "left",
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
# the pages that have no others below them
alone = "index start tabular faq migrate glossary by_hand benchmarks how_fast extending"
html_sidebars = {page: [] for page in [*alone.split(), "differences", "design", "changelog"]}


def methods_of(fullname):
    """Return the public methods of a class: those written here, and those of scikit-learn."""
    module, name = fullname.rsplit(".", 1)
    own, inherited = [], []
    for method, function in inspect.getmembers(getattr(import_module(module), name)):
        if method.startswith("_") or not callable(function):
            continue
        module_of = getattr(inspect.unwrap(function), "__module__", None) or ""
        wrapped_here = getattr(function, "__module__", "").startswith(project)
        ours = module_of.startswith(project) or wrapped_here
        (own if ours else inherited).append(method)
    return own, inherited


autosummary_context = {"methods_of": methods_of}
