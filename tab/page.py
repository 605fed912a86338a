"""Add the page *Try it* to the site: its commands, and what the server said to them.

Without that server, as where Go or Node is missing or with TAB=no, nothing is added.
"""

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
#: what leads to the page, in the first page of a language
_LINK = re.compile(r"^.*\(try\.md\).*\n|^```\{toctree\}\n:hidden:\ntry\n```\n", re.M)
#: whoever has a token could be somebody
_TOKEN = re.compile(r"\beyJ[\w-]+\.")

Answers = list[tuple[str, int]]


def record(text: str) -> Answers | None:
    """Return what the server says to the blocks of a page: text, and status or 0.

    None: there is no server. Raise RuntimeError for one that ends, or tells a token.
    """
    if not (directory := build.wanted()):
        return None
    blocks = BLOCK.findall(text)
    asked = "".join(json.dumps({"lines": block}) + "\n" for block in blocks)
    command = ["node", str(WEB / "node.js"), str(directory)]
    done = subprocess.run(command, input=asked, stdout=subprocess.PIPE, text=True)
    # The first line is about the start.
    told = done.stdout.splitlines()[1:]
    for block, line in itertools.zip_longest(blocks, told):
        if not line or _TOKEN.search(line):
            raise RuntimeError(f"no answer, or one with a token, to {block}")
    return [(one["text"], one["status"]) for one in map(json.loads, told)]


def write(written: Path, target: Path, answers: Answers | None, up: str) -> None:
    """Write the page of a language into what Sphinx reads; `up` leads to the root."""
    if answers is None:
        index = target / "index.md"
        index.write_text(_LINK.sub("", index.read_text("utf-8")), "utf-8")
        return
    text = (written / "try.md").read_text("utf-8").replace('src="', f'src="{up}')
    for block, (said, status) in zip(BLOCK.finditer(text), answers, strict=True):
        pre = f'<pre class="answer" tabindex="0" data-status="{status}">'
        text = text.replace(block[0], f"{block[0]}\n{pre}{html.escape(said)}</pre>\n")
    (target / "try.md").write_text(text, "utf-8")


def copy(target: Path) -> None:
    """Put the scripts of the page, and the program, into a site."""
    directory = build.find()
    assert directory
    place = target / "_static" / "tab"
    shutil.copytree(WEB, place, ignore=shutil.ignore_patterns("node.js"))
    for name in (build.RUNTIME, build.PACKED):
        shutil.copy(directory / name, place)
