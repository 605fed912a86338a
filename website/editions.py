"""Say what these pages are: their language, lessons, addresses and files.

`website.build` builds the site once for each language, and names that in SITE_LANGUAGE.
"""

import os
from pathlib import Path

from babel.messages.pofile import read_po

from helpers.course import lessons
from tools import home

#: each language, as its readers call it; the first is at the root
LANGUAGES = {"en": "English", "ko": "한국어"}
ROOTS = {code: "" if code == "en" else f"{code}/" for code in LANGUAGES}
#: owner/name, from `website.build`; without one the pages have no link to it
REPOSITORY = os.environ["GITHUB_REPOSITORY"]
ADDRESSES = home.addresses(REPOSITORY) if REPOSITORY else {}
HOME = ADDRESSES.get("site", "")
PAGES = [f"notebooks/{lesson.path.with_suffix('')}" for lesson in lessons()]
GLOSSARY = "notebooks/glossary"
ERRORS = "notebooks/errors"

language = os.environ["SITE_LANGUAGE"]
LOCALE = Path(__file__).resolve().parent.parent / "locale"
#: words of the theme, of these settings and of the frames of lessons; none in English
WORDS = {
    str(message.id): str(message.string)
    for name in ("LC_MESSAGES/sphinx.po", "course.po")
    for file in LOCALE.glob(f"{language}/{name}")
    for message in read_po(file.open("rb"))
    if message.string and not message.fuzzy
}


def say(text: str) -> str:
    """Return a text in the language of these pages."""
    return WORDS.get(text, text)


COURSE = say("Talking to the Kubernetes API server")
#: the address of these pages, for search engines
BASE = HOME and HOME + ROOTS[language]


def origin(page: str) -> str:
    """Return the file of the repository that says what a page says."""
    if ROOTS[language]:
        parts, name = Path(page).parts, Path(page).name
        catalogs = {"index": "site", "try": "site", "book": "course", "docs": "docs"}
        catalogs |= {"errors": "helpers"}
        name = catalogs.get(parts[0]) or catalogs.get(name, name)
        return f"locale/{language}/{name}.po"
    place = f"website/{language}/{page}" if page in ("index", "try") else page
    return f"{place}.ipynb" if page in PAGES else f"{place}.md"
