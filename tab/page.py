"""Make *Try it* and the boxes of lessons: commands, and a server's recorded answers."""

import html
import itertools
import json
import re
import shutil
import subprocess
from pathlib import Path

from tab import build

WEB = Path(__file__).with_name("web")
#: a block of commands, which are lines of a shell
BLOCK = re.compile(r"```\{code-block\} sh\n:class: ask\n(.*?)```\n", re.DOTALL)
#: the beginning of a JSON Web Token, which would be published
_TOKEN = re.compile(r"\beyJ[\w-]+\.")


def pages(written: Path) -> dict[str, str]:
    """Return the texts of a language: `try`, and a box for some lessons by name.

    Each includes the parts that all share, start.md and line.md.
    """
    texts = {one.stem: one.read_text("utf-8") for one in sorted(written.glob("tab/*"))}
    texts["try"] = (written / "try.md").read_text("utf-8")
    for name in ("start", "line"):
        mark, part = f"<!-- {name} -->\n", texts.pop(name)
        texts = {page: text.replace(mark, part) for page, text in texts.items()}
    return texts


def record(texts: dict[str, str]) -> list[tuple[str, int]] | None:
    """Return the answers of one server to all blocks: text, and status or 0.

    None: there is no server. Raise RuntimeError if it ends, or an answer has a token.
    """
    if not (directory := build.ensure()):
        return None
    blocks = [block for text in texts.values() for block in BLOCK.findall(text)]
    asked = "".join(json.dumps({"lines": block}) + "\n" for block in blocks)
    command = ["node", str(WEB / "node.js"), str(directory)]
    done = subprocess.run(command, input=asked, capture_output=True, text=True)
    # The first line is about the start.
    told = done.stdout.splitlines()[1:]
    for block, line in itertools.zip_longest(blocks, told):
        if not line or _TOKEN.search(line):
            end = f"nothing: exit code {done.returncode}, {done.stderr!r}"
            what = "a token" if line else end
            raise RuntimeError(f"The answer to {block} contains {what}")
    return [(one["text"], one["status"]) for one in map(json.loads, told)]


def insert_answers(
    texts: dict[str, str], answers: list[tuple[str, int]]
) -> dict[str, str]:
    """Return the texts with an answer below each block."""
    pre = '<pre class="answer" tabindex="0" data-status="{}">{}</pre>\n'
    said = (pre.format(status, html.escape(text)) for text, status in answers)
    return {
        name: BLOCK.sub(lambda block: f"{block[0]}\n{next(said)}", text)
        for name, text in texts.items()
    }


def copy(target: Path) -> None:
    """Put the scripts of the page, and the program, into a site."""
    directory = build.find()
    assert directory
    place = target / "_static" / "tab"
    shutil.copytree(WEB, place, ignore=shutil.ignore_patterns("node.js"))
    for name in (build.RUNTIME, build.PACKED):
        shutil.copy(directory / name, place)
