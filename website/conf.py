"""Settings of the site; `website.build` builds it once for each language."""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from website import search
from website.editions import (
    ADDRESSES,
    BASE,
    COURSE,
    ERRORS,
    GLOSSARY,
    HOME,
    LOCALE,
    ROOTS,
    language,
    say,
)
from website.facts import add_facts

log = logging.getLogger(__name__)
locale_dirs = [str(LOCALE)]  # Sphinx itself reads sphinx.po, for the templates
project = COURSE
html_title = say("Kubernetes API notebooks")
html_baseurl = BASE
extensions = ["myst_nb", "IPython.sphinxext.ipython_console_highlighting"]
extensions += ["sphinx_copybutton"]
# Code, manifests and the commands of the cheat sheet; never what a cell has printed.
copybutton_selector = (
    "div.highlight:not(.cell_output *) pre, .cell_output .highlight-default pre,"
    "[data-page$=cheatsheet] td:first-child code"
)
nb_execution_mode = "off"  # `tools.chapter` has run them, and looked for secrets
nb_merge_streams = True
nb_render_markdown_format = "myst"  # CommonMark has no tables
smartquotes = False  # a message of the server is shown with the quotes that it has
nb_code_prompt_show = say("Show the {type} of the solution")
nb_code_prompt_hide = say("Hide the {type} of the solution")
# A view is shown as its text: scripts of widgets would come from another host.
WIDGET = "application/vnd.jupyter.widget-view+json"
nb_mime_priority_overrides = [("html", WIDGET, None)]
suppress_warnings = ["mystnb.unknown_mime_type"]
myst_heading_anchors = 4
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
# After Sphinx's own scripts, and before its words.
html_js_files = [("plural.js", {"priority": 300}), "ko.js"] * (language == "ko")
html_js_files += ["contents.js"]
html_favicon = "_static/icon.svg"
html_copy_source = html_show_sourcelink = html_use_index = False
html_theme = "pydata_sphinx_theme"
html_sidebars = {"**": ["lessons"]}
html_context = {"default_mode": "auto", "home": HOME, "code": ADDRESSES.get("code")}
html_additional_pages = {} if ROOTS[language] else {"404": "404.html"}
html_theme_options = {
    "search_bar_text": say("Search the docs ..."),
    "navbar_center": [],
    "navbar_end": ["language", "theme-switcher"],
    "article_header_start": ["lesson"],
    "secondary_sidebar_items": {"**": ["page-toc"], GLOSSARY: []},
    "footer_start": ["imprint"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def name_places(_: Sphinx, page: str, source: list[str]) -> None:
    """Make places of the page out of `<a id=…>`: a translated heading has another name.

    A heading in English is called as these are, so there they would be double.
    """
    if page.startswith("notebooks/"):
        is_named = language == "en" and page != ERRORS
        place = "" if is_named else r"(\1)="
        source[0] = re.sub(r'<a id="([\w-]+)"></a>', place, source[0])


def demand_alt(_: Sphinx, tree: nodes.document) -> None:
    """Warn of each picture that says nothing to those who cannot see it."""
    for picture in tree.findall(nodes.image):
        if not picture.get("alt", "").strip():
            log.warning("no alt text: %s", picture["uri"], location=picture.parent)


def setup(app: Sphinx) -> None:
    """Add all this to the build."""
    app.connect("html-page-context", add_facts)
    app.connect("source-read", name_places)
    app.connect("doctree-read", demand_alt)
    app.connect("doctree-resolved", search.lead)
    for words in (search.English, search.Korean):
        app.add_search_language(words)
