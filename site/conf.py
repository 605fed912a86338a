"""Settings of the site; `tools.site` builds it once for each language."""

import functools
import os
import re
from collections import defaultdict
from pathlib import Path
from urllib.parse import quote

from babel.messages.pofile import read_po
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.search import SearchLanguage
from sphinx.search.en import SearchEnglish
from sphinx.util import logging

from cluster.versions import KUBERNETES
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
GLOSSARY = "notebooks/glossary"
#: search terms that a lesson explains and the glossary lacks, by lesson number
EXPLAINED = {
    "02": ["404", "system:anonymous"],
    "05": ["exec without --"],
    "06": ["can-i", "permissive-binding"],
    "13": ["404", "409", "415", "422"],
    "23": ["429"],
    "25": ["400", "422"],
}

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
html_js_files = ["ko.js"] * (language == "ko") + ["contents.js"]
html_js_files += [("search.js", {"defer": "defer"})]
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
    # The script of commands, which is at the root of the site, as its program is.
    boxes = {one.stem for one in Path(__file__).parent.glob(f"{language}/tab/*.md")}
    tried = Path(app.srcdir, "try.md").exists() and Path(page).name in {"try", *boxes}
    up = "../" if ROOTS[language] else ""
    context["tried"] = tried and f"{up}_static/tab/try.js"
    context["description"] = " ".join(about.split())
    # The first page of all; in each language there is a link to the others.
    context["landing"] = page == "index" and not ROOTS[language]
    sources = Path(app.srcdir).parent
    trees = [code for code in LANGUAGES if (sources / code).exists()]
    there = [code for code in trees if any(sources.glob(f"{code}/{page}.*"))]
    context["elsewhere"] = [
        (code, LANGUAGES[code], f"{up}{ROOTS[code]}{one}.html")
        for code in trees
        if code != language
        for one in [page if code in there else "index"]
    ]
    # Search engines want whole addresses, also of the page itself.
    context["editions"] = [(code, f"{HOME}{ROOTS[code]}{page}.html") for code in there]
    context["card"] = os.environ["SITE_CARD"] and html_baseurl
    context["imprint"] = say("Kubernetes {version}, run on {date}").format(
        version=KUBERNETES[1:], date=os.environ["SITE_DATE"]
    )
    if tree:
        context["about"] = quote(f"{ROOTS[language]}{page}")
        context["origin"] = origin(page)


def origin(page: str) -> str:
    """Return the file of the repository that says what a page says."""
    if ROOTS[language]:
        place = Path(page)
        named = {"index": "site", "try": "site", "book": "course", "docs": "docs"}
        name = named.get(place.parts[0]) or named.get(place.name, place.name)
        return f"locale/{language}/{name}.po"
    place = f"site/{language}/{page}" if page in ("index", "try") else page
    return f"{place}.ipynb" if page in PAGES else f"{place}.md"


def name_places(_: Sphinx, page: str, source: list[str]) -> None:
    """Make places of the page out of `<a id=…>`: a translated heading has another name.

    A heading in English is called as these are, so there they would be double.
    """
    if page.startswith("notebooks/"):
        place = "" if language == "en" else r"(\1)="
        source[0] = re.sub(r'<a id="([\w-]+)"></a>', place, source[0])


def demand_alt(_: Sphinx, tree: nodes.document) -> None:
    """Warn of each picture that says nothing to those who cannot see it."""
    for picture in tree.findall(nodes.image):
        if not picture.get("alt", "").strip():
            log.warning("no alt text: %s", picture["uri"], location=picture.parent)


@functools.cache
def explained(glossary: Path) -> dict[str, list[str]]:
    """Return terms by the page that explains them: the lessons that an entry names."""
    found = defaultdict(list)
    for lesson, page in zip(lessons(), PAGES, strict=True):
        found[page] += EXPLAINED.get(lesson.number, [])
    for entry in glossary.read_text("utf-8").split("\n## ")[1:]:
        term, _, text = entry.partition("\n")
        for path in re.findall(r"\]\(([\w/-]+)\.ipynb\)", text):
            # A term in Korean has the English one in brackets.
            found[f"notebooks/{path}"] += re.split(r" ?[()]", term.strip(")"))
    return found


def lead(app: Sphinx, tree: nodes.document, page: str) -> None:
    """Let a search for a term lead first to the lessons that explain it."""
    words = explained(Path(app.srcdir, f"{GLOSSARY}.md"))[page]
    tree += addnodes.index(entries=[("single", w, "", "main", None) for w in words])


class Codes(SearchLanguage):
    """Index status codes, too: Sphinx, as its script, drops every number."""

    def word_filter(self, word: str) -> bool:
        """Return whether a word is one to be found."""
        return bool(re.fullmatch(r"[1-5]\d\d", word)) or super().word_filter(word)


class English(Codes, SearchEnglish):
    """Index English as Sphinx does, and status codes."""


class Korean(Codes):
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
    app.connect("doctree-resolved", lead)
    for words in (English, Korean):
        app.add_search_language(words)
