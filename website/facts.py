"""Give the templates what a page is about, and where else it is."""

import os
from pathlib import Path
from urllib.parse import quote

from docutils import nodes
from sphinx.application import Sphinx

from cluster.versions import KUBERNETES
from helpers.course import lessons
from website.editions import (
    ADDRESSES,
    BASE,
    COURSE,
    ERRORS,
    HOME,
    LANGUAGES,
    PAGES,
    ROOTS,
    language,
    origin,
    say,
)


def add_facts(app: Sphinx, page: str, _: str, context: dict, tree: nodes.Node | None):
    """Give the templates what a page is about, and where else it is."""
    first = tree.next_node(nodes.paragraph) if tree else None
    about = first.astext() if first else COURSE
    if page in PAGES:
        place = PAGES.index(page)
        about = say(lessons()[place].summary).replace("`", "")
        path = lessons()[place].path
        opened = f"urlpath=lab/tree/notebooks/{ROOTS[language]}{path}"
        context["binder"] = HOME and f"{ADDRESSES['binder']}/binder?{opened}"
        context["download"] = path.name
    # The script of commands is at the root of the site, beside its program.
    up = "../" if ROOTS[language] else ""
    source = Path(app.srcdir, f"{page}.ipynb")
    runs = page in PAGES and "run-start" in source.read_text("utf-8")
    used = "try" if page == "try" else "run" if runs else ""
    names = ["offer", used] if used else []
    scripts = f"{up}_static/{os.environ['SITE_TAB']}"
    context["scripts"] = [f"{scripts}/{name}.js" for name in names]
    if page == "try" or page in PAGES:
        app.add_css_file("tab.css")
    context["explains"] = page in ("index", ERRORS)
    context["description"] = " ".join(about.split())
    # The first page of all; in each language there is a link to the others.
    context["landing"] = page == "index" and not ROOTS[language]
    sources = Path(app.srcdir).parent
    trees = [code for code in LANGUAGES if (sources / code).exists()]
    there = [code for code in trees if any(sources.glob(f"{code}/{page}.*"))]
    context["elsewhere"] = [
        (code, LANGUAGES[code], f"{up}{ROOTS[code]}{other}.html")
        for code in trees
        if code != language
        for other in [page if code in there else "index"]
    ]
    # Search engines want whole addresses, also of the page itself.
    context["editions"] = [(code, f"{HOME}{ROOTS[code]}{page}.html") for code in there]
    context["card"] = os.environ["SITE_CARD"] and BASE
    context["imprint"] = say("Kubernetes {version}, run on {date}").format(
        version=KUBERNETES[1:], date=os.environ["SITE_DATE"]
    )
    if tree:
        context["about"] = quote(f"{ROOTS[language]}{page}")
        context["origin"] = origin(page)
