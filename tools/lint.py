"""Check Go, JavaScript and style sheets, which Ruff does not read; change nothing.

    .venv/bin/python -m tools.lint    # a line for each fault; `make lint` calls it

Lines have at most 100 columns, gofmt has nothing to change, and Node can parse each
script. A machine without Go or Node is told in a line what was not checked. With `CI`
set that fails, unless LINT_WITHOUT names the missing program.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cluster.programs import golang

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = 100
#: columns of a tab, as gofmt indents
TAB = 4
#: directories of what others wrote or what was generated
_GENERATED = re.compile(r"\..*|build|dist|node_modules|vendor|__pycache__")
#: what may be longer than a line: an address at its end
_ADDRESS = re.compile(r"\S+://\S+$")
#: a script that imports or exports is a module
_MODULE = re.compile(r"^(import|export)\b", re.MULTILINE)


def sources(root: Path, *endings: str) -> list[Path]:
    """Return the files below a directory whose names end so, sorted."""
    paths = []
    for directory, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not _GENERATED.fullmatch(name)]
        paths += [Path(directory, name) for name in names if name.endswith(endings)]
    return sorted(paths)


def long_lines(path: Path) -> Iterator[str]:
    """Yield a sentence for each line of a file that has too many columns."""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        columns = len(_ADDRESS.sub("", line).expandtabs(TAB))
        if columns > COLUMNS:
            yield f"{path}:{number}: {columns} columns, at most {COLUMNS}"


def find_gofmt() -> str:
    """Return the path of gofmt; "" if it is not here."""
    # A Go that is too old for a build will do; often it alone is linked into PATH.
    places = [shutil.which("gofmt"), shutil.which("go")]
    if not any(places) and (go := golang.find()):
        places.append(str(go.path))
    programs = (Path(place).resolve().with_name("gofmt") for place in places if place)
    return str(next((program for program in programs if program.exists()), ""))


def check_go(gofmt: str, paths: list[Path]) -> Iterator[str]:
    """Yield a sentence for each file that gofmt would change or cannot parse."""
    done = subprocess.run([gofmt, "-l", *paths], capture_output=True, text=True)
    yield from done.stderr.splitlines()
    for name in done.stdout.splitlines():
        yield f"{name}: not as gofmt writes it. Run: gofmt -w {name}"


def check_script(node: str, path: Path) -> str:
    """Return what Node says of a script that it cannot parse, or ""."""
    text = path.read_text("utf-8")
    # From its standard input Node takes no type from a name or a package.json.
    kind = "module" if _MODULE.search(text) else "commonjs"
    words = [node, "--check", f"--input-type={kind}", "-"]
    done = subprocess.run(words, input=text, capture_output=True, text=True)
    if done.returncode == 0:
        return ""
    place = re.search(r"^\[stdin\]:(\d+)", done.stderr, re.MULTILINE)
    error = re.search(r"^\w*Error: .*", done.stderr, re.MULTILINE)
    if not (place and error):
        return f"{path}: {done.stderr.strip()}"
    return f"{path}:{place[1]}: {error[0]}"


def faults(root: Path, missing: list[str]) -> Iterator[str]:
    """Yield a sentence for each fault; put the programs that are not here in a list."""
    scripts, go_files = sources(root, ".js", ".ts"), sources(root, ".go")
    for path in [*go_files, *scripts, *sources(root, ".css")]:
        yield from long_lines(path)
    if gofmt := find_gofmt():
        yield from check_go(gofmt, go_files)
    else:
        missing.append("gofmt")
    if node := shutil.which("node"):
        with ThreadPoolExecutor() as pool:
            checked = [path for path in scripts if path.suffix == ".js"]
            yield from filter(None, pool.map(lambda p: check_script(node, p), checked))
    else:
        missing.append("node")


def main() -> int:
    """Print each fault, and what was not checked; return 1 for one that counts."""
    missing: list[str] = []
    lines = list(faults(ROOT, missing))
    required = {*missing} - {*os.environ.get("LINT_WITHOUT", "").split()}
    if missing:
        print(f"Not checked, as it is not here: {', '.join(missing)}.", file=sys.stderr)
    for line in lines:
        print(line)
    return int(bool(lines or (os.environ.get("CI") and required)))


if __name__ == "__main__":
    sys.exit(main())
