"""The documentation site: sphinx-build -W docs docs/_build"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from keras_deephash.version import __version__  # noqa: E402 - its path is set above

project = "keras_deephash"
author = copyright = "The keras_deephash developers"
release = version = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_ext.generated_pages",
    "sphinx_ext.keras_docstrings",
    "sphinx_ext.mathml",
    "sphinx_ext.own_host",
]
exclude_patterns = ["_build", "jupyter_execute", "pictures", "search.md"]

html_theme = "furo"
html_title = "keras_deephash"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_math_renderer = "mathml"

myst_enable_extensions = ["attrs_block", "colon_fence", "dollarmath"]
myst_heading_anchors = 4
# Notebooks are shown with their stored outputs; tests run them.
nb_execution_mode = "off"
# Widgets would load their scripts from another host.
nb_ipywidgets_js = {}

autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Call arguments", "params_style")]
add_module_names = False
toc_object_entries = False
