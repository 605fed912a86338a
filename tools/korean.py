"""Make the Korean edition of the lessons out of `locale/ko/*.po`.

    python -m tools.korean update          # put what is new in English into the .po
    python -m tools.korean write           # notebooks/ko, README.ko.md, cluster/locale
    python -m tools.korean check [NAME …]  # say what is missing, stale or wrong

Code, ids, tags and metadata are those of the English notebooks. A file is written when
each message of it is translated; until then, links lead to the English one. NAME is a
.po without its ending: only that one is checked, message by message.
"""

import argparse
import functools
import io
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from helpers.course import Lesson, lessons
from tools import blocks, book, course, errors, picture
from tools.korean_faults import faults

ROOT, NOTEBOOKS = course.ROOT, course.NOTEBOOKS
EDITION = NOTEBOOKS / "ko"
CATALOGS = ROOT / "locale" / "ko"
#: addresses of the documentation of Kubernetes that it has in Korean, too
PAGES = CATALOGS / "pages.txt"
COMPILED = ROOT / "cluster" / "locale" / "ko" / "LC_MESSAGES" / "messages.mo"
#: packages whose code says something
SPEAKING = ("helpers", "cluster", "tab/python")
#: catalogs: lesson frames; messages of code; pictures, whose messages have the picture
#: as context
FRAMES, MESSAGES, PICTURES = "course", "helpers", "images"
HEAD = [
    ("Language", "ko"),
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Content-Transfer-Encoding", "8bit\n"),
]
#: catalog, place and text of a message, and what it becomes
Tell = Callable[[str, str, str], str]
#: the target of a link, or of a picture in HTML
_LINK = re.compile(r'(?<=\]\()[^)\s#]+|(?<= src=")[^"]+|(?<= srcset=")[^"]+')


class Plain(Catalog):
    """A catalog whose head is the same at any time, with any version of Babel."""

    mime_headers = property(lambda self: HEAD)


@dataclass(eq=False)
class Source:
    """A file in English, its catalog, and the file that is made of it."""

    catalog: str
    english: Path
    korean: Path
    lesson: Lesson | None = None

    def translate(self, tell: Tell) -> str:
        """Return the text of the file in which `tell` has translated each message."""
        text = self.english.read_text("utf-8")
        say = functools.partial(tell, self.catalog, self.english.name)
        frame = functools.partial(tell, FRAMES, "")
        if self.english == book.PAGE:
            return book.page(functools.partial(_prose, tell), frame)
        if self.english == errors.PAGE:
            return errors.page(functools.partial(tell, MESSAGES, ""), frame)
        if self.english == picture.FILE:
            predecessors = functools.partial(course.name_predecessors, say=frame)
            return picture.draw(frame, predecessors)
        if self.lesson:
            notebook = json.loads(text)
            for cell in notebook["cells"]:
                if cell["cell_type"] == "markdown":
                    prose = _prose(tell, self.lesson, cell)
                    cell["source"] = prose.splitlines(keepends=True)
            notebook = course.with_frame(self.lesson, notebook, frame)
            return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        if self.english.suffix == ".svg":
            return blocks.picture(text, say)
        translated = blocks.markdown(course.without_lists(text), say)
        return course.with_lists(translated, frame)


def _prose(tell: Tell, lesson: Lesson, cell: dict) -> str:
    """Return what is a lesson's own in a cell of prose, translated."""
    say = functools.partial(tell, lesson.name, cell["id"])
    return blocks.markdown(course.lesson_text(lesson, cell), say)


def sources() -> Iterator[Source]:
    """Yield every file that has an edition in Korean."""
    for lesson in lessons():
        english, korean = (folder / lesson.path for folder in (NOTEBOOKS, EDITION))
        yield Source(lesson.name, english, korean, lesson)
    for english in sorted(NOTEBOOKS.glob("*.md")):
        catalog = MESSAGES if english == errors.PAGE else english.stem
        yield Source(catalog, english, EDITION / english.name)
    for english in sorted(NOTEBOOKS.glob("images/*.svg")):
        yield Source(PICTURES, english, EDITION / "images" / english.name)
    for page in ("binder.md", "ci.md", "commands.md", "machines.md", "settings.md"):
        yield Source("docs", ROOT / "docs" / page, ROOT / "docs" / "ko" / page)
    yield Source("readme", ROOT / "README.md", ROOT / "README.ko.md")


def site_sources() -> Iterator[Source]:
    """Yield the texts that only the site has: `korean` is a place that has no file."""
    for english in sorted(ROOT.glob("website/en/*.md")):
        yield Source("site", english, ROOT / "website/ko" / english.name)


def templates() -> dict[str, Catalog]:
    """Return every catalog as English is now, without translations."""
    catalogs: dict[str, Catalog] = defaultdict(Catalog, {FRAMES: Catalog()})

    def note(catalog: str, place: str, text: str) -> str:
        locations = [(place, 0)] if place else []
        context = _context(catalog, place)
        catalogs[catalog].add(text, locations=locations, context=context)
        return text

    for source in (*sources(), *site_sources()):
        assert source.translate(note) == source.english.read_text("utf-8"), (
            source.english
        )
    keywords = {"say": None, "mark": None}
    for package in SPEAKING:
        for name, _, text, _, _ in extract_from_dir(
            ROOT / package,
            keywords=keywords,
            directory_filter=lambda path: Path(path).name != "tests",
        ):
            note(MESSAGES, f"{package}/{name}", str(text))
    return catalogs


def _context(catalog: str, place: str) -> str | None:
    return place if catalog == PICTURES else None


def read(name: str) -> Catalog:
    """Return a catalog as it is in its file; empty without one."""
    path = CATALOGS / f"{name}.po"
    return read_po(io.BytesIO(path.read_bytes() if path.exists() else b""), "ko")


def translation_of(message: Message | None) -> str:
    """Return what a message is in Korean; "" if that is missing or no longer true."""
    return "" if not message or message.fuzzy else str(message.string or "")


def current_catalogs() -> dict[str, Catalog]:
    """Return each catalog as it should be.

    Messages that have changed in English keep their old words as fuzzy. Words of
    another catalog, or earlier ones of this one, are filled in.
    """
    current = templates()
    catalogs = {name: read(name) for name in current}
    translations = {
        message.id: translation_of(message)
        for catalog in catalogs.values()
        for message in (*catalog.obsolete.values(), *catalog)
        if message.id and translation_of(message)
    }
    for name, catalog in catalogs.items():
        catalog.update(current[name])
        for message in catalog:
            if message.id in translations and not translation_of(message):
                message.string = translations[message.id]
                message.flags.discard("fuzzy")
    return catalogs


def stable_catalog(catalog: Catalog, name: str) -> Catalog:
    """Return a catalog without all that changes though no word does."""
    stable = Plain("ko", fuzzy=False, header_comment="# See docs/translating.md.")
    for message in catalog:
        if message.id:
            stable[message.id] = message
            # Other flags are about format strings, and a guess in prose.
            message.flags &= message.flags if name == MESSAGES else {"fuzzy"}
    for key, message in catalog.obsolete.items():
        if message.string and message.id not in stable:
            stable.obsolete[key] = message
    return stable


def po(name: str, catalog: Catalog) -> bytes:
    """Return the content of a catalog's file."""
    write_po(
        out := io.BytesIO(),
        stable_catalog(catalog, name),
        width=0,
        include_lineno=False,
    )
    return out.getvalue()


def edition() -> dict[Path, bytes]:
    """Return each file of the Korean edition in which no message is missing."""
    messages, frames = stable_catalog(read(MESSAGES), MESSAGES), read(FRAMES)
    for lesson in lessons():  # the progress board says their titles
        messages.add(lesson.title, translation_of(frames.get(lesson.title)))
    write_mo(out := io.BytesIO(), messages)
    texts = translate([*sources()])
    return {COMPILED: out.getvalue()} | {s.korean: t.encode() for s, t in texts.items()}


def site_texts() -> dict[str, str]:
    """Return the texts that only the site has, by their names, if they are whole."""
    return {s.english.stem: text for s, text in translate([*site_sources()]).items()}


def translate(every: list[Source]) -> dict[Source, str]:
    """Return the Korean text of each source in which no message is missing."""
    catalogs = {name: read(name) for name in {FRAMES, *(s.catalog for s in every)}}
    texts: dict[Source, str] = {}
    for source in every:
        missing: list[str] = []

        def tell(name: str, place: str, text: str, lost: list[str] = missing) -> str:
            message = catalogs[name].get(text, _context(name, place))
            translation = translation_of(message)
            lost += [] if translation else [text]
            return translation

        text = source.translate(tell)
        if not missing:
            # Hangul has no italics.
            texts[source] = text.replace(' font-style="italic"', "")
    # A page with a missing translation stays as it is. Korean pages link back, too.
    there = {
        source.english: source.korean
        for source in (*sources(), *every)
        if source in texts or source.korean.exists()
    }
    there |= {korean: english for english, korean in there.items()}
    for shot in ROOT.glob("docs/images/*"):
        there[shot] = ROOT / "docs" / "ko" / "images" / shot.name
    return {s: rewrite_links(s, text, there) for s, text in texts.items()}


def rewrite_links(source: Source, text: str, there: dict[Path, Path]) -> str:
    """Return the text with links that lead on from the place of the Korean file.

    `there` has the files with a Korean edition. Within it links stay as they are.
    A page of Kubernetes is the Korean one, if there is one; places on it differ.
    """
    pages = PAGES.read_text().split()

    def relink(link: re.Match[str]) -> str:
        if link[0] in pages and text[link.end()] == ")":
            return link[0].replace("/docs/", "/ko/docs/")
        target = Path(os.path.normpath(source.english.parent / link[0]))
        if target not in there and not target.exists():
            return link[0]  # an address, or a page that only the site has
        return os.path.relpath(there.get(target, target), source.korean.parent)

    # Headings in Korean are other places.
    return re.sub(r"(docs/ko/\w+\.md)#[\w-]+", r"\1", _LINK.sub(relink, text))


def check(names: list[str]) -> Iterator[str]:
    """Yield a line for all that is missing, stale or wrong, or only in these .po."""
    current = current_catalogs()
    titles = {
        lesson.title: translation_of(current[FRAMES].get(lesson.title))
        for lesson in lessons()
    }
    for name in names or current:
        catalog, path = current[name], CATALOGS / f"{name}.po"
        messages = [message for message in catalog if message.id]
        missing = sum(not message.string for message in messages)
        if missing and not names:
            yield f"{path.name}: {missing} of {len(messages)} messages are missing"
        for message in messages:
            first = str(message.id).partition("\n")[0][:60]
            if message.fuzzy:
                yield f"{path.name}: English has changed: {first}"
            elif names and not message.string:
                yield f"{path.name}: not translated: {first}"
            elif message.string and "checked" not in message.user_comments:
                for fault in faults(str(message.id), str(message.string), titles):
                    yield f"{path.name}: {fault}: {first}"
        if not path.exists() or path.read_bytes() != po(name, catalog):
            yield f"{path.name}: not in step with English. Run: make korean"
    if names:
        return
    for path, content in edition().items():
        if not path.exists() or path.read_bytes() != content:
            yield f"{path.relative_to(ROOT)}: not in step. Run: make korean"
        if path.suffix == ".ipynb":
            for heading in _english_headings(json.loads(content)):
                yield f"{path.relative_to(ROOT)}: no Korean in the heading: {heading}"
    expected = {
        *(s.korean for s in sources()),
        *(CATALOGS / f"{n}.po" for n in current),
    }
    present = {
        *CATALOGS.glob("*.po"),
        *EDITION.rglob("*.ipynb"),
        *EDITION.rglob("*.svg"),
    }
    for path in sorted(present - expected):
        yield f"{path.relative_to(ROOT)}: left over from something. Remove it."


def _english_headings(notebook: dict) -> Iterator[str]:
    """Yield each heading without Hangul, such as `A 403`, which has no message."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            prose = re.sub("```.*?```", "", "".join(cell["source"]), flags=re.DOTALL)
            yield from re.findall("(?m)^#+ ([^가-힣\n]+)$", prose)


def main(arguments: list[str] | None = None) -> int:
    """Do what the first word says; return 1 if a check finds something."""
    parser = argparse.ArgumentParser(prog="python -m tools.korean", description=__doc__)
    parser.add_argument("what", choices=["update", "write", "check"])
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args(arguments)
    if options.what == "check":
        findings = list(check(options.names))
        print("\n".join(findings) or "The Korean edition is whole.")
        return bool(findings)
    new_files = edition() if options.what == "write" else {}
    if options.what == "update":
        new_files = {
            CATALOGS / f"{name}.po": po(name, c)
            for name, c in current_catalogs().items()
        }
    for path, content in new_files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
