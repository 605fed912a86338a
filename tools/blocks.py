"""Find the messages in Markdown and in pictures, and put others in their place.

A message is a block of Markdown (a heading, a paragraph, an item, a cell of a table) or
a text of a picture. `say` is called with each, and what lies between is kept as it is:
with `str` for `say`, nothing changes.
"""

import re
from collections.abc import Iterator

from tools.course import Say

#: code, tags, addresses and places of MyST are the same in every language
_SILENT = re.compile(
    r"(`+).*?\1|<code>.*?</code>|<[^>]*>|(?<=\])\([^)]*\)|https?://\S+|^\(.+\)=$",
    re.DOTALL,
)
_WORD = re.compile(r"[^\W\d_]{2,}")
#: marks before a line's words: quotes, items, the hashes of a heading
_MARKS = re.compile(r"(?:\s*(?:>|[-*+]|\d+[.)])(?=\s|$))*\s*(?:#{1,6}\s+)?")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_CAPTION = re.compile(r"(?<=^:caption: ).+")
_PIPE = re.compile(r"((?<!\\)\|)")
_FOLD = re.compile(r"(</?(?:details|summary)>|<!--.*?-->)")
#: what a picture in HTML tells those who do not see it
_ALT = re.compile(r'(?<=\balt=")[^"]+')
_TEXT = re.compile(r"(<(title|desc|text)\b[^>]*>)(.*?)(</\2>)", re.DOTALL)
_SPAN = re.compile(r"(<tspan\b[^>]*>)([^<]*)(</tspan>)")


def speaks(text: str) -> bool:
    """Return whether there is a word to translate in it."""
    return bool(_WORD.search(_SILENT.sub("", text)))


def markdown(text: str, say: Say) -> str:
    """Return Markdown with each of its blocks translated."""
    lines: list[str] = []
    block: list[tuple[str, str]] = []
    inside = ""

    def close() -> None:
        if block:
            lines.extend(_lines(block, say))
            block.clear()

    for line in text.split("\n"):
        marks = _MARKS.match(line)[0]  # type: ignore[index]  # it matches all
        words = line[len(marks) :]
        if _FENCE.match(line):
            close()
            inside = "" if inside else line
            lines.append(line)
        elif inside and "{container}" not in inside:
            lines.append(_CAPTION.sub(lambda caption: say(caption[0]), line))
        elif _FOLD.match(line) or words.startswith("|"):
            close()
            parts = (_FOLD if _FOLD.match(line) else _PIPE).split(line)
            lines.append("".join(_part(part, say) for part in parts))
        elif not words or (not block and line.startswith("    ")):
            close()
            lines.append(line)
        else:
            if marks.strip(" >"):
                close()
            block.append((marks, words))
            if "#" in marks:
                close()
    close()
    return "\n".join(lines)


def _lines(block: list[tuple[str, str]], say: Say) -> Iterator[str]:
    """Yield the lines of a block with new words behind the marks of the old ones."""
    old = "\n".join(words for _, words in block)
    if speaks(old):
        new = say(old).split("\n")
    else:
        new = _ALT.sub(lambda alt: say(alt[0]), old).split("\n")
    marks = [marks for marks, _ in block]
    while len(marks) < len(new):
        marks.append(re.sub(r"[^\s>]", " ", marks[-1]))
    yield from (mark + line for mark, line in zip(marks, new, strict=False))


def _part(text: str, say: Say) -> str:
    words = text.strip()
    return text.replace(words, say(words)) if speaks(text) else text


def picture(text: str, say: Say) -> str:
    """Return an SVG with its words translated; the lines of a text are one message."""

    def translate(element: re.Match[str]) -> str:
        spans = _SPAN.findall(element[3])
        bare = _SPAN.sub("", element[3])
        if spans and speaks(bare):  # words beside the tspans: they are one message
            mixed = any(speaks(words) for _, words, _ in spans)
            old = element[3] if mixed else bare
            return element[1] + element[3].replace(old, say(old)) + element[4]
        old = "\n".join(words for _, words, _ in spans) if spans else element[3]
        if not speaks(old):
            return element[0]
        new = say(old)
        if spans:
            translations = iter(new.split("\n"))
            new = _SPAN.sub(
                lambda span: span[1] + next(translations, "") + span[3], element[3]
            )
        return element[1] + new + element[4]

    return _TEXT.sub(translate, text)
