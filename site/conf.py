"""Settings of the site; `tools.site` builds it once for each language."""

import os
import re
from pathlib import Path

from babel.messages.pofile import read_po
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.search import SearchLanguage
from sphinx.util import logging

from helpers.course import lessons
from tools import home

log = logging.getLogger(__name__)
#: each language, as its readers call it; the first is at the root
LANGUAGES = {"en": "English", "ko": "한국어"}
ROOTS = {code: "" if code == "en" else f"{code}/" for code in LANGUAGES}
#: owner/name, from `tools.site`; without one the pages have no link to it
REPOSITORY = os.environ["GITHUB_REPOSITORY"]
ADDRESSES = home.addresses(REPOSITORY) if REPOSITORY else {}
HOME = ADDRESSES.get("site", "")
PAGES = [f"notebooks/{lesson.path.with_suffix('')}" for lesson in lessons()]

language = os.environ["SITE_LANGUAGE"]
LOCALE = Path(__file__).resolve().parent.parent / "locale"
#: words of the theme, of these settings and of the frames of lessons; none in English
WORDS = {
    message.id: message.string
    for name in ("LC_MESSAGES/sphinx.po", "course.po")
    for file in LOCALE.glob(f"{language}/{name}")
    for message in read_po(file.open("rb"))
    if message.string and not message.fuzzy
}


def say(text: str) -> str:
    """Return a text in the language of these pages."""
    return WORDS.get(text, text)


locale_dirs = [str(LOCALE)]  # Sphinx itself reads sphinx.po, for the templates
project = say("Talking to the Kubernetes API server")
html_title = say("Kubernetes API notebooks")
html_baseurl = HOME and HOME + ROOTS[language]
extensions = ["myst_nb", "IPython.sphinxext.ipython_console_highlighting"]
nb_execution_mode = "off"  # `tools.chapter` has run them, and looked for secrets
nb_merge_streams = True
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
html_js_files = ["ko.js"] if language == "ko" else []
html_favicon = "_static/icon.svg"
html_copy_source = html_show_sourcelink = False
html_theme = "pydata_sphinx_theme"
html_sidebars = {"**": ["lessons"]}
html_context = {"default_mode": "auto", "home": HOME}
html_theme_options = {
    "search_bar_text": say("Search the docs ..."),
    "icon_links_label": say("Icon Links"),
    **({"github_url": ADDRESSES["code"]} if ADDRESSES else {}),
    "navbar_center": [],
    "navbar_end": ["language", "theme-switcher", "navbar-icon-links"],
    "article_header_start": ["lesson"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": [],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def add_facts(app: Sphinx, page: str, _: str, context: dict, tree: nodes.Node | None):
    """Give the templates what a page is about, and where else it is."""
    first = tree.next_node(nodes.paragraph) if tree else None
    about = first.astext() if first else project
    if page in PAGES:
        place = PAGES.index(page)
        about = say(lessons()[place].summary).replace("`", "")
        path = lessons()[place].path
        opened = f"urlpath=lab/tree/notebooks/{ROOTS[language]}{path}"
        context["binder"] = HOME and f"{ADDRESSES['binder']}/binder?{opened}"
        context["download"] = path.name
        context["following"] = PAGES[place + 1 : place + 2]
    context["description"] = " ".join(about.split())
    # The first page of all; in each language there is a link to the others.
    context["landing"] = page == "index" and not ROOTS[language]
    up = "../" if ROOTS[language] else ""
    context["elsewhere"] = [
        (code, name, f"{up}{ROOTS[code]}{page if found else 'index'}.html")
        for code, name in LANGUAGES.items()
        if code != language and (tree := Path(app.srcdir).parent / code).exists()
        for found in [any(tree.glob(f"{page}.*"))]
    ]


def name_places(_: Sphinx, page: str, source: list[str]) -> None:
    """Make places of the page out of `<a id=…>`: a translated heading has another name.

    A heading in English is called as these are.
    """
    if language != "en" and page.startswith("notebooks/"):
        source[0] = re.sub(r'<a id="([\w-]+)"></a>', r"(\1)=", source[0])


def demand_alt(_: Sphinx, tree: nodes.document) -> None:
    """Warn of each picture that says nothing to those who cannot see it."""
    for picture in tree.findall(nodes.image):
        if not picture.get("alt", "").strip():
            log.warning("no alt text: %s", picture["uri"], location=picture.parent)


class Korean(SearchLanguage):
    """Index each word also without its particle: readers look for the noun alone."""

    lang = "ko"
    language_name = "Korean"
    particle = re.compile(
        r"(?<=[가-힣]{2})(?:은|는|이|가|을|를|의|에|에서|에게|와|과|도|로|으로|부터|까지|만|나"
        r"|이나|이다|다|라고|이라고|인|인가|처럼|보다|마다|에는|에서는|으로는|로는)$"
    )

    def split(self, input: str) -> list[str]:
        """Return the words, and again without their particles those that have one."""
        words = super().split(input)
        return words + [self.particle.sub("", word) for word in words]


def setup(app: Sphinx) -> None:
    """Add all this to the build."""
    app.connect("html-page-context", add_facts)
    app.connect("source-read", name_places)
    app.connect("doctree-read", demand_alt)
    app.add_search_language(Korean)
