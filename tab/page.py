"""Add the page *Try it* to the site: its commands, and what the server said to them.

Without that server, as where Go or Node is missing or with TAB=no, nothing is added.
"""

import html
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
_LINK = re.compile(r"^.*\(try\.md\).*\n", re.MULTILINE)
_MENU = "```{toctree}\n:hidden:\ntry\n```\n"
#: whoever has a token could be somebody
_TOKEN = re.compile(r"\beyJ[\w-]+\.")

Answers = list[tuple[str, int]]


def record(text: str) -> Answers | None:
    """Return what the server says to the blocks of a page: text, and status or 0.

    None: there is no server. Raise RuntimeError for one that ends, or tells a token.
    """
    if not shutil.which("node") or not (directory := build.wanted()):
        return None
    command = ["node", str(WEB / "node.js"), str(directory)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin and process.stdout
        process.stdout.readline()
        answers = []
        for block in BLOCK.findall(text):
            said, status = "", 0
            for line in re.sub(r"\\\n\s*", "", block).splitlines():
                print(
                    json.dumps({"line": line, "input": ""}),
                    file=process.stdin,
                    flush=True,
                )
                told = json.loads(process.stdout.readline() or "null")
                if told is None or _TOKEN.search(told["text"]):
                    raise RuntimeError(f"{line}: no answer, or one with a token")
                said, status = said + told["text"], told["status"] or status
            answers.append((said, status))
        process.stdin.close()
    return answers


def write(written: Path, target: Path, answers: Answers | None, up: str) -> None:
    """Write the page of a language into what Sphinx reads; `up` leads to the root."""
    index = target / "index.md"
    text = index.read_text("utf-8")
    if answers is None:
        index.write_text(_LINK.sub("", text).replace(_MENU, ""), "utf-8")
        return
    told = iter(answers)

    def answered(found: re.Match[str]) -> str:
        said, status = next(told)
        pre = f'<pre class="answer" tabindex="0" data-status="{status}">'
        pre += f"{html.escape(said)}</pre>"
        return f"{found[0]}\n{pre}\n"

    page = BLOCK.sub(answered, (written / "try.md").read_text("utf-8"))
    page = page.replace('src="_static', f'src="{up}_static')
    (target / "try.md").write_text(page, "utf-8")


def copy(target: Path) -> None:
    """Put the scripts of the page, and the program, into a site."""
    directory = build.find()
    assert directory
    files = [*WEB.glob("*.js"), directory / build.RUNTIME, directory / build.PACKED]
    (target / "_static" / "tab").mkdir(parents=True)
    for file in files:
        shutil.copy(file, target / "_static" / "tab")
