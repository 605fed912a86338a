"""Make *Try it*: commands, and a server's recorded answers."""

import hashlib
import html
import itertools
import json
import re
import shutil
import subprocess
from pathlib import Path

from cluster import errors
from cluster.secrets import TOKEN
from tab import build, pack
from website import bundle

WEB = Path(__file__).with_name("web")
#: a block of commands, which are lines of a shell
BLOCK = re.compile(r"```\{code-block\} sh\n:class: ask\n(.*?)```\n", re.DOTALL)
#: seconds for a start, which server.js limits, and all answers; and for one of them
LIMIT, ANSWER = 1800.0, 300.0
#: exit code of a command that was stopped
_STOPPED = 130
_HINT = (
    "Try again when this machine is less busy, or make the site without this server: "
    "TAB=no make site"
)


def page(texts: dict[str, str]) -> str:
    """Return *Try it*, made of the site's texts in a language by their names."""
    text = texts["try"]
    for name in ("start", "line", "genuine"):
        text = text.replace(f"<!-- {name} -->\n", texts[name])
    return text


def beginning(texts: dict[str, str], *, lack: str = "", cells: int = 0) -> str:
    """Return what stands above a lesson in a language: a button, or why there is none.

    `lack` is what a tab has not for the whole lesson; else, `cells` is how many of its
    cells cannot run there.
    """
    text = texts["elsewhere" if lack else "run"]
    if lack:
        [words] = re.findall(rf"(?m)^- `{lack}` (.*)$", texts["run"])
        text = text.replace("{}", words)
    some = texts["some"].format(cells) if cells else ""
    text = text.replace("<!-- some -->\n", some)
    return text.replace("<!-- genuine -->\n", texts["genuine"])


def record(page: str) -> list[tuple[str, int]] | None:
    """Return the answers of one server to all blocks: text, and status or 0.

    None: there is no server. Raise LabError if it ends or is too slow; raise ValueError
    if an answer has a token.
    """
    if not (directory := build.ensure()):
        return None
    requests = [
        {"script": block, "session": "try", "seconds": ANSWER, "together": True}
        for block in BLOCK.findall(page)
    ]
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    command = ["node", str(build.WEB / "node.js"), str(directory)]
    try:
        done = subprocess.run(
            command, input=lines, capture_output=True, text=True, timeout=LIMIT
        )
    except subprocess.TimeoutExpired:
        raise errors.LabError(
            "The API server for the browser has not answered all commands of the page "
            f"within {LIMIT:.0f} s.",
            _HINT,
        ) from None
    # The first line is about the start.
    answer_lines = done.stdout.splitlines()[1:]
    for request, line in itertools.zip_longest(requests, answer_lines):
        block = request["script"]
        if not line:
            reason = done.stderr.strip() or f"exit code {done.returncode}"
            raise errors.LabError(
                f"The API server for the browser ended before it answered:\n{block}"
                f"Its last words: {reason}",
                _HINT,
            )
        if json.loads(line).get("code") == _STOPPED:
            raise errors.LabError(
                "The API server for the browser has not answered within "
                f"{ANSWER:.0f} s:\n{block}",
                _HINT,
            )
        if TOKEN.search(line):
            raise ValueError(f"The answer to {block} contains a token")
    return [
        (answer["text"], answer["status"]) for answer in map(json.loads, answer_lines)
    ]


def insert_answers(page: str, answers: list[tuple[str, int]]) -> str:
    """Return the page with an answer below each block."""
    pre = '<pre class="answer" tabindex="0" data-status="{}">{}</pre>\n'
    elements = (pre.format(status, html.escape(text)) for text, status in answers)
    return BLOCK.sub(lambda block: f"{block[0]}\n{next(elements)}", page)


def _files() -> dict[str, Path]:
    """Return the files of a site by their path: scripts, and the program if built."""
    scripts = {
        file.relative_to(web).as_posix(): file
        for web in (build.WEB, WEB)
        for file in sorted(web.rglob("*.js"))
        if file.name != "node.js"
    }
    files = scripts | _files_of(build.find(), build.RUNTIME, build.PACKED)
    if python := pack.find():
        names = (path.relative_to(python) for path in sorted(python.rglob("*.*")))
        files |= {f"python/{name}": python / name for name in names}
    views = _files_of(bundle.find(), bundle.SCRIPT, bundle.STYLE, bundle.LICENSES)
    return files | {f"views/{name}": file for name, file in views.items()}


def _files_of(directory: Path | None, *names: str) -> dict[str, Path]:
    return {name: directory / name for name in names} if directory else {}


def folder() -> str:
    """Return the directory of these files, from that of a site's static files.

    Its name changes with them: a browser's cache has never parts of two versions.
    """
    digest = hashlib.sha256()
    for name, file in _files().items():
        digest.update(f"{name} {file.stat().st_size} ".encode() + file.read_bytes())
    return f"tab-{digest.hexdigest()[:12]}"


def copy(target: Path) -> None:
    """Put the scripts of the page, and the program, into a site."""
    assert build.find()
    place = target / "_static" / folder()
    for name, file in _files().items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place / name)
