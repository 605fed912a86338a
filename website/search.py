"""Lead a search to the page that explains a term, and to words without endings.

Sphinx finds a page by its words. Here it also gets status codes, Korean nouns without
their particles, and for each term the lessons that explain it.
"""

import functools
import re
from collections import defaultdict
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.search import SearchLanguage
from sphinx.search.en import SearchEnglish

from helpers.course import lessons
from website.editions import GLOSSARY, PAGES

#: search terms that a page explains and the glossary lacks, by lesson number or page
EXPLAINED = {
    "02": ["404", "system:anonymous"],
    "05": ["exec without --"],
    "06": ["can-i", "permissive-binding", "forbidden: User"],
    "13": ["404", "409", "415", "422"],
    "25": ["400", "422"],
    "docs/settings": [
        "connection refused",
        "localhost:8080 was refused",
        "The connection to the server localhost:8080 was refused",
    ],
}


@functools.cache
def terms_by_page(glossary: Path) -> dict[str, list[str]]:
    """Return terms by the page that explains them: the lessons that an entry names."""
    terms = defaultdict(list)
    numbers = {
        lesson.number: page for lesson, page in zip(lessons(), PAGES, strict=True)
    }
    for place, explained in EXPLAINED.items():
        terms[numbers.get(place, place)] += explained
    for entry in glossary.read_text("utf-8").split("\n## ")[1:]:
        term, _, text = entry.partition("\n")
        for path in re.findall(r"\]\(([\w/-]+)\.ipynb\)", text):
            # A term in Korean has the English one in brackets.
            terms[f"notebooks/{path}"] += re.split(r" ?[()]", term.strip(")"))
    return terms


def lead(app: Sphinx, tree: nodes.document, page: str) -> None:
    """Let a search for a term lead first to the pages that explain it."""
    terms = terms_by_page(Path(app.srcdir, f"{GLOSSARY}.md"))[page]
    tree += addnodes.index(entries=[("single", t, "", "main", None) for t in terms])


class Codes(SearchLanguage):
    """Index status codes, too: Sphinx, as its script, drops every number."""

    def word_filter(self, word: str) -> bool:
        """Return whether a word is one to be found."""
        return bool(re.fullmatch(r"[1-5]\d\d", word)) or super().word_filter(word)


class English(Codes, SearchEnglish):
    """Index English as Sphinx does, and status codes."""


class Korean(Codes):
    """Index words without what Korean adds to them, and apart from those in English.

    `Stemmer` and `splitQuery` of a page do the same with what is searched for.
    """

    lang = "ko"
    language_name = "Korean"
    particles = (
        "은|는|이|가|을|를|의|에|에서|에게|와|과|도|로|으로|부터|까지|만|나|이나|이다|다|라고"
        "|이라고|인|인가|처럼|보다|마다|에는|에서는|으로는|로는"
    )
    #: what makes a verb of a noun; and a few particles follow a single syllable, too
    added = (
        f"(?<=[가-힣]{{2}})(?:{particles}|[하한할함해했되된될됨돼됐][가-힣]*)$"
        "|(?<=^[가-힣])[을를은는기]$"
    )
    stopwords = frozenset(particles.split("|"))
    js_stemmer_code = f"""
var Stemmer = function () {{
  this.stemWord = (word) => word.replace(/{added}/u, "");
}};
"""
    js_splitter_code = r"""
function splitQuery(query) {
  return query.match(/[가-힣]+|(?:(?![가-힣])[\p{L}\p{N}_])+/gu) ?? [];
}
"""

    def split(self, input: str) -> list[str]:
        """Return the words; what Korean adds to an English one is a word."""
        return re.findall(r"[가-힣]+|[^\W가-힣]+", input)

    def stem(self, word: str) -> str:
        """Return a word without what is added to it."""
        return re.sub(self.added, "", word)
