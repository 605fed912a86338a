"""Make the file with the views of widgets, for the pages of lessons; into the cache.

Its parts come from npm, pinned by `views/package-lock.json`. A page loads it when a
cell shows a view, and not before.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from cluster import errors, paths
from cluster.permissions import make_private

SOURCES = Path(__file__).with_name("views")
ROOT = SOURCES.parents[1]
#: what manager.js imports that is not in npm
LIVE = ROOT / "helpers" / "data" / "live.js"
SCRIPT, STYLE, LICENSES = "manager.js", "manager.css", "licenses.txt"
#: entries that are kept beside the current one: other checkouts may use them
OTHERS = 3
_KEY = re.compile("[0-9a-f]{12}")
_LICENSE = re.compile("(licen[cs]e|copying)", re.IGNORECASE)
_PACKAGE = re.compile(r".*node_modules/((?:@[^/]+/)?[^/]+)/")


def find() -> Path | None:
    """Return the directory of the file, or None; make nothing."""
    entry = _entry()
    return entry if entry.is_dir() else None


def ensure() -> Path:
    """Return the directory of the file; make it, or raise LabError.

    Another process may make the same meanwhile: the first one's stays.
    """
    entry = _entry()
    if entry.is_dir():
        return entry
    if not shutil.which("npm"):
        raise errors.LabError(
            "npm is not here, which fetches the views of widgets.",
            "Run: sh tools/setup.sh full",
        )
    make_private(entry.parent)
    with tempfile.TemporaryDirectory(dir=entry.parent) as stage:
        place = Path(stage, "made")
        place.mkdir()
        _bundle(Path(stage), place)
        with contextlib.suppress(FileExistsError):
            place.rename(entry)
    others = [path for path in entry.parent.glob("*") if _KEY.fullmatch(path.name)]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[OTHERS + 1 :]:
        shutil.rmtree(path, ignore_errors=True)
    return entry


def _entry() -> Path:
    digest = hashlib.sha256()
    for file in (Path(__file__), LIVE, *sorted(SOURCES.glob("*.*"))):
        digest.update(file.read_bytes())
    return paths.cache_dir() / "site-views" / digest.hexdigest()[:12]


def _bundle(stage: Path, place: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SOURCES / name, stage)
    _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=stage)
    modules, facts = stage / "node_modules", stage / "facts.json"
    _run(
        str(modules / ".bin" / "esbuild"),
        str(SOURCES / SCRIPT),
        *("--bundle", "--minify", "--format=esm", "--target=es2022"),
        *("--legal-comments=none", "--loader:.svg=dataurl", "--log-level=error"),
        f"--outfile={place / SCRIPT}",
        f"--metafile={facts}",
        cwd=stage,
        NODE_PATH=str(modules),
    )
    inputs = json.loads(facts.read_text("utf-8"))["inputs"]
    found = {name[0] for name in map(_PACKAGE.findall, inputs) if name}
    texts = [_license_of(modules / name) for name in sorted(found)]
    (place / LICENSES).write_text(f"\n{'-' * 72}\n".join(texts), "utf-8")


def _license_of(package: Path) -> str:
    about = json.loads((package / "package.json").read_text("utf-8"))
    title = f"{about['name']} {about['version']}, license {about['license']}"
    files = sorted(file for file in package.iterdir() if _LICENSE.match(file.name))
    return "\n\n".join([title, *(file.read_text("utf-8").strip() for file in files)])


def _run(*words: str, cwd: Path, **settings: str) -> None:
    done = subprocess.run(
        words, cwd=cwd, env=os.environ | settings, capture_output=True, text=True
    )
    if done.returncode:
        text = (done.stderr or done.stdout).strip()
        raise errors.LabError(f"{Path(words[0]).name} failed: {text}")
