"""Build the site: a page for each lesson with its outputs, for each language.

`tools.chapter` has run the lessons. The sources of Sphinx mirror this repository, so
every link of a notebook or of the documentation leads to the same place on the site.
Most of the documentation is there only in English.
"""

import argparse
import base64
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from cluster import errors
from helpers.course import Lesson, lessons
from helpers.course.exercise import CHECK, STUB, has_tag, with_solutions
from tab import pack
from tools import course, errors as messages, home, korean
from tools.chapter import ROOT
from website import bundle, card, tryit as trial

SITE = ROOT / "website"
#: owner/name, as GitHub Actions or `make home` gives it; "" leaves out its links
REPOSITORY = os.environ.get("GITHUB_REPOSITORY") or home.repository()
#: at the root of the site; each other language has a directory of its own
FIRST = "en"
#: made of English and its catalogs, by `tools.korean`
KOREAN = "ko"
FIRST_LESSON = "urlpath=lab/tree/notebooks/00-start-here.ipynb"
#: the first line of a table of kubectl, which cannot wrap
TABLE = re.compile(r"^[A-Z-]+(?: {2,}[A-Z -]+)+$", re.MULTILINE)
#: in a cell that shows what its reader has solved
PROGRESS = re.compile(r"^progress\(", re.MULTILINE)
_DOCS = re.compile(
    r"\[([^]]+)\]\(((?:\.\./)*)((?:cluster/)?docs/)(?:ko/)?([\w-]+)\.md(#[\w-]+)?\)"
)
#: for a page of which the site's search finds only the title
_UNSEARCHED = "---\nnosearch: true\n---\n"
#: links to *Try it* in the index of a language
_TRIED = re.compile(r"^.*\(try\.md\).*\n|^```\{toctree\}\n:hidden:\ntry\n```\n", re.M)
#: the words of the link to a lesson that runs
_RUN = re.compile(r"\[[^]]+\]\(notebooks/00-start-here\.ipynb\)(?=\*\*)")
#: what a page may load: only files of this site. The Worker of *Try it* has the policy
#: of its page because it comes from a blob. Styles are also in the outputs of lessons.
_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' {hashes}; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'"
)
_CHARSET = re.compile('<meta charset="utf-8"[^>]*>', re.IGNORECASE)
_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)
_PICTURE = re.compile(r'(<img [^>]*src="((?:\.\./)*_images/[^"]+)"[^>]*>)')


def page(lesson: Lesson, written: dict, ran: dict, language: str = FIRST) -> dict:
    """Return a notebook as its page shows it; pure.

    An exercise is shown as a learner finds it. The outputs of its solution and of
    the check are folded. Left out are the progress of whoever ran it, and
    links that the page has anyway. Raise ValueError if `ran` is of another version.
    """
    if _sources(ran) != _sources(with_solutions(written)):
        raise ValueError(f"{lesson.name} has changed since it ran. Run: make chapter")
    cells = []
    for cell, original in zip(ran["cells"], written["cells"], strict=True):
        is_stub, is_check = (has_tag(original, tag) for tag in (STUB, CHECK))
        tags = ["hide-output"] if is_stub or is_check else []
        tags += [STUB] if is_stub else []
        outputs = ("".join(out.get("text", "")) for out in cell.get("outputs", ()))
        tags += ["table"] if any(map(TABLE.search, outputs)) else []
        # A solution may be a shell cell, which only this lexer knows.
        text = "".join(original["source"]).replace("```python\n%%", "```ipython\n%%")
        if cell["cell_type"] == "markdown":
            text = to_docs(text, language)
        elif PROGRESS.search(text):
            cell = cell | {"outputs": []}
        if cell.get("id") == course.LAST:
            text = text.rpartition("\n\n")[0]
        cells.append(cell | {"source": text, "metadata": {"tags": tags}})
    title = cells[0]["source"].replace("# ", f"# {lesson.number} ", 1)
    cells[0]["source"] = re.sub(r" · \[(한국어|English)\]\(.*?\)", "", title)
    return ran | {"cells": cells}


def with_beginning(notebook: dict, text: str) -> dict:
    """Return a notebook with a text below its title; pure."""
    cell = {"cell_type": "markdown", "id": "run", "metadata": {}, "source": text}
    title, *others = notebook["cells"]
    return notebook | {"cells": [title, cell, *others]}


def _sources(notebook: dict) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"]]


def to_docs(text: str, language: str, up: str = "") -> str:
    """Return Markdown with links to the documentation: the English one without another.

    It is as far from a page in another language as from its file in `notebooks/ko`.
    """

    def relink(link: re.Match[str]) -> str:
        words, ups, folder, name, place = link.groups("")
        if (ROOT / folder / language / f"{name}.md").exists():
            return f"[{words}]({ups.removeprefix('../')}{folder}{name}.md)"
        return f'<a href="{up}{ups}{folder}{name}.html{place}">{words}</a>'

    return text if language == FIRST else _DOCS.sub(relink, text)


def languages() -> list[str]:
    """Return the languages that have an index, and every lesson."""
    return [
        code
        for code in (FIRST, KOREAN)
        if "index" in site_texts(code)
        and all((notebooks_dir(code) / lesson.path).exists() for lesson in lessons())
    ]


@functools.cache
def site_texts(language: str) -> dict[str, str]:
    """Return the texts that only the site has, by their names, in a language."""
    if language == KOREAN:
        return korean.site_texts()
    return {file.stem: file.read_text("utf-8") for file in SITE.glob("en/*.md")}


def language_dir(language: str) -> str:
    """Return the directory of a language: of its notebooks, and on the site."""
    return "" if language == FIRST else language


def notebooks_dir(language: str) -> Path:
    """Return the directory with the notebooks of a language."""
    return ROOT / "notebooks" / language_dir(language)


def run_text(lesson: Lesson, written: dict, language: str, scripts: str) -> str:
    """Return what stands above a lesson; `scripts` is what `trial.folder` returns."""
    cells = course.cells_elsewhere(written)
    lack = course.lack_of_lesson(written)
    text = trial.beginning(site_texts(language), lack=lack, cells=len(cells))
    # From the page to the files of the site, which are only at its root.
    place = Path(language_dir(language), "notebooks", lesson.path)
    root = "../" * (len(place.parts) - 1)
    licenses = f"{root}_static/{scripts}/python/{pack.LICENSES}"
    up = "../" * (len(lesson.path.parts) - 1)
    return text.replace('"LICENSES"', f'"{licenses}"').replace("](../", f"]({up}../")


def assemble(
    language: str,
    executed: Path,
    target: Path,
    tried: str,
    scripts: str = "",
) -> None:
    """Write what Sphinx reads for a language; `executed` has all of its lessons.

    `tried` is *Try it*, or "". With `scripts`, which has Python, too, a lesson runs on
    its page.
    """
    written_in = notebooks_dir(language)
    shutil.copytree(written_in / "images", target / "notebooks" / "images")
    for place in ("notebooks", "docs", "cluster/docs"):
        (target / place).mkdir(parents=True, exist_ok=True)
        for file in (ROOT / place / language_dir(language)).glob("*.md"):
            text = file.read_text("utf-8")
            text = re.sub(r"\(\.\./([\w-]+\.md)", r"(../../docs/\1", text)
            (target / place / file.name).write_text(to_docs(text, language), "utf-8")
    for lesson in lessons():
        written, ran = (
            json.loads((folder / lesson.path).read_text("utf-8"))
            for folder in (written_in, executed / language_dir(language))
        )
        file = target / "notebooks" / lesson.path
        file.parent.mkdir(exist_ok=True)
        # The corner of a table of pandas is a head without words, which helps nobody.
        notebook = page(lesson, written, ran, language)
        if scripts:
            text = run_text(lesson, written, language, scripts)
            notebook = with_beginning(notebook, text)
        text = json.dumps(notebook)
        file.write_text(re.sub("<th[^>]*>(?:&nbsp;)?</th>", "<td></td>", text), "utf-8")
    shutil.copy(SITE / f"journey-{language}.png", target / "journey.png")
    if tried:
        # A message that a reader has pasted is in its answers: it would hide lessons.
        text = to_docs(f"{_UNSEARCHED}{tried}", language, up="../")
        (target / "try.md").write_text(text, "utf-8")
    text = index(site_texts(language)["index"], language, runs=bool(tried))
    (target / "index.md").write_text(text, "utf-8")


def translator(language: str) -> course.Say:
    """Return what says the words of the course and of the site in a language."""
    names = (korean.FRAMES, korean.MESSAGES, "LC_MESSAGES/sphinx")
    catalogs = map(korean.read, names)
    say = {
        message.id: korean.translation_of(message)
        for catalog in catalogs
        for message in catalog
    }
    return str if language == FIRST else lambda text: say.get(text) or text


def index(text: str, language: str, *, runs: bool = True) -> str:
    """Return the first page of a language, with its tables and its own links.

    Unless a server `runs` in the tab, nothing leads to one, and 00 has its title.
    """
    say = translator(language)

    def link(lesson: Lesson) -> str:
        title = f"{lesson.number} {say(lesson.title)}"
        return f"[{title}](notebooks/{lesson.path.as_posix()})"

    if not runs:
        text = _TRIED.sub("", text)
        for first in lessons()[:1]:
            text = _RUN.sub(link(first), text)
    text = with_addresses(text, REPOSITORY, say("Launch on Binder"))
    for word, core in (("CORE", True), ("DEEPER", False)):
        table = course.lesson_table(link, core=core, say=say)
        text = text.replace(f"<!-- {word} -->", table)
    if language == FIRST:
        return text
    text = text.replace("lab/tree/notebooks/", f"lab/tree/notebooks/{language}/")
    return to_docs(text.replace("\ncluster/docs/*\n", "\n"), language, up="../")


def with_addresses(text: str, repository: str, launch: str) -> str:
    """Return the first page with the addresses of a repository; pure.

    `launch` is the text of the link to Binder. Without a repository there is no link:
    the page has the commands for a checkout.
    """
    clone, binder, image = "", "", home.BUILD + home.RUN.format(image=home.BUILT)
    if repository:
        addresses = home.addresses(repository)
        clone = f"git clone {addresses['code']} notebooks\ncd notebooks\n"
        binder = f"**[{launch}]({addresses['binder']}/binder?{FIRST_LESSON})**\n"
        image = home.RUN.format(image=addresses["image"])
    for word, replacement in (("CLONE", clone), ("BINDER", binder), ("IMAGE", image)):
        text = text.replace(f"<!-- {word} -->\n", replacement)
    return text


def tidy(html: str) -> str:
    """Return a page without faults of what has made it, its pictures as links; pure.

    Without scripts the theme `auto` has no colours, and a label hides the words of what
    it is on.
    """
    html = html.replace(' data-theme="auto"', ' data-theme="light"', 1)
    html = html.replace(' aria-label="Toggle hidden content"', "")
    return _PICTURE.sub(r'<a class="picture" href="\2">\1</a>', html)


def with_policy(html: str) -> str:
    """Return a page that loads nothing of other hosts, and no script but its own; pure.

    A script within the page is known by its hash.
    """
    scripts = {script for script in _SCRIPT.findall(html) if script.strip()}
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    hashes = sorted(f"'sha256-{base64.b64encode(d).decode()}'" for d in digests)
    policy = _POLICY.format(hashes=" ".join(hashes)).replace(" ;", ";")
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return _CHARSET.sub(lambda charset: f"{charset[0]}\n{meta}", html, count=1)


def finish(target: Path) -> None:
    """Tidy all pages, and list them for search engines if there is an address."""
    pages = [page for page in target.rglob("*.html") if "_static" not in page.parts]
    for page in pages:
        page.write_text(with_policy(tidy(page.read_text("utf-8"))), "utf-8")
    if REPOSITORY:
        root = home.addresses(REPOSITORY)["site"]
        names = sorted(page.relative_to(target).as_posix() for page in pages)
        lines = [f"{root}{name}\n" for name in names if name != "404.html"]
        (target / "sitemap.txt").write_text("".join(lines), "utf-8")


def build(language: str, source: Path, target: Path, date: str = "") -> int:
    """Have Sphinx make the pages; return 1 after any warning, such as a broken link."""
    doctrees = source.with_suffix(".doctrees")
    line = (
        *(sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning"),
        *("--jobs", "auto", f"--conf-dir={SITE}", f"--doctree-dir={doctrees}"),
        *map(str, (source, target)),
    )
    settings = {"SITE_LANGUAGE": language, "GITHUB_REPOSITORY": REPOSITORY}
    settings |= {"SITE_DATE": date, "SITE_CARD": card.browser()}
    settings["SITE_TAB"] = trial.folder()
    return subprocess.run(line, env=os.environ | settings).returncode


def find_scripts() -> str:
    """Return the directory of the tab's scripts, with Python; "" without it.

    Its parts come from npm and PyPI: a line says why it did not, and the site has
    no lessons that run.
    """
    try:
        pack.ensure()
    except errors.LabError as error:
        print(f"Without Python for the browser: {error}", file=sys.stderr)
        return ""
    try:
        bundle.ensure()
    except errors.LabError as error:
        print(f"Without views of widgets: {error}", file=sys.stderr)
    return trial.folder()


def main(arguments: list[str] | None = None) -> int:
    """Build the site of every language that has an index; return 1 after a warning."""
    parser = argparse.ArgumentParser(prog="make site", description=__doc__)
    parser.add_argument("--executed", type=Path, default=ROOT / "build" / "chapter")
    parser.add_argument("--target", type=Path, default=ROOT / "build" / "site")
    options = parser.parse_args(arguments)
    sources = options.target.with_suffix(".sources")
    for old in (sources, options.target):
        shutil.rmtree(old, ignore_errors=True)
    answers = trial.record(trial.page(site_texts(FIRST)))
    scripts = find_scripts() if answers else ""
    # All of them first: each page has a link to what it is in another language.
    for language in languages():
        text = trial.page(site_texts(language))
        tried = trial.insert_answers(text, answers) if answers else ""
        place = sources / language
        assemble(language, options.executed, place, tried, scripts)
    ran = (options.executed / lessons()[0].path).stat().st_mtime
    date = time.strftime("%Y-%m-%d", time.gmtime(ran))
    failed = 0
    for language in languages():
        target = options.target / language_dir(language)
        failed |= build(language, sources / language, target, date)
        trial_page = "try.html" if answers else ""
        data = messages.script(translator(language), trial=trial_page)
        (target / "_static" / "rules.js").write_text(data, "utf-8")
        course_name = translator(language)("Talking to the Kubernetes API server")
        card.draw(course_name, notebooks_dir(language), target / "_static" / "card.png")
        for lesson in lessons():
            # The page's download: the notebook without outputs, as in a checkout.
            written = notebooks_dir(language) / lesson.path
            shutil.copy(written, target / "notebooks" / lesson.path)
    if answers:
        trial.copy(options.target)
    finish(options.target)
    print(f"The site is in {options.target}: open index.html.")
    return failed


if __name__ == "__main__":
    try:
        sys.exit(main())
    except errors.LabError as error:
        sys.exit(f"error: {error}")
