"""Sphinx configuration of the documentation, which `make docs` builds."""

from importlib.metadata import version as version_of

project = "ClanTune"
author = "The ClanTune authors"
copyright = author  # noqa: A001  (the name that Sphinx requires)
release = version = version_of("clantune-core")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
default_role = "literal"  # single backticks are code, also in docstrings

myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
napoleon_use_ivar = True  # attributes are documented in the docstring of their class

html_theme = "furo"
html_title = f"ClanTune {release}"
html_static_path = ["_static"]
html_css_files = ["diff.css"]
html_show_sphinx = False
html_show_search_summary = False  # it fetches pages, which browsers refuse to a site in files
