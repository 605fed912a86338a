"""Pack what Python in the tab needs: Pyodide, packages, helpers; into the cache.

Pyodide comes from npm, pinned by `python/package-lock.json`. The packages are those of
this environment, which the lock of the requirements has chosen; what is compiled, which
is one package, comes from PyPI by the lock's checksum.
"""

import contextlib
import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cluster import errors, paths
from cluster.permissions import make_private
from tab import memory

PYTHON = Path(__file__).with_name("python")
ROOT = PYTHON.parents[1]
LOCK, REQUIREMENTS = PYTHON / "package-lock.json", ROOT / "requirements-lock.txt"
#: the files of Pyodide that a Worker loads
CORE = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
    "pyodide-lock.json",
)
ARCHIVE = "pack.tar.gz"
#: the licenses of all of it, for whoever gets it
LICENSES = "licenses.txt"
PYODIDE = """\
Pyodide {version}, license MPL-2.0: https://www.mozilla.org/MPL/2.0/
Its source: https://github.com/pyodide/pyodide/tree/{version}
It contains CPython, license PSF-2.0: https://docs.python.org/3/license.html
"""
#: where Pyodide looks for packages
SITE = "lib/python3.14/site-packages"
#: of Pyodide's Python, for the conditions of requirements
ENVIRONMENT = {
    "extra": "",
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "wasm32",
    "platform_python_implementation": "CPython",
    "platform_system": "Emscripten",
    "python_full_version": "3.14.2",
    "python_version": "3.14",
    "sys_platform": "emscripten",
}
#: what pip calls that Python
PLATFORM = ("--python-version=3.14", "--abi=cp314", "--implementation=cp")
WASM = "--platform=pyemscripten_2026_0_wasm32"
#: what cells and helpers import
PACKAGES = (
    "anywidget",
    "click",
    "httpx",
    "ipython",
    "ipywidgets",
    "kubernetes",
    "mistune",
    "packaging",
    "platformdirs",
    "pydantic",
    "pyjwt",
    "pyyaml",
    "requests",
    "traitlets",
    "urllib3",
)
#: required by those, and not used in a tab: another client of Kubernetes, completion,
#: and what draws widgets in JupyterLab
UNUSED = {
    "aiohttp",
    "aiohttp-retry",
    "jedi",
    "jupyterlab-widgets",
    "widgetsnbextension",
}
#: with parts that are compiled: without them, no other part works
COMPILED = ("pydantic-core",)
#: parts of packages that nothing imports
_LEFT_OUT = re.compile(
    r"(^|/)(tests?|__pycache__)/|^kubernetes/(aio|docs|e2e_test)/|\.(so|pyi|pyc)$|"
    r"^IPython/sphinxext/|^\.\./|/static/|\.data/"
)
#: parts of our own packages that a tab has no use for
_NOT_HERE = re.compile(
    r"^cluster/(tests|docs|programs/locks)/|/__pycache__/|\.(po|pot|jsonl|nft)$|"
    r"^helpers/data/jupyter/|\.(json|md)$(?<!not-connected\.json)"
)

_LICENSE = re.compile(r"\.dist-info/.*(LICEN[CS]E|COPYING|NOTICE)[^/]*$", re.IGNORECASE)

_KEY = re.compile("[0-9a-f]{12}")
#: entries of 30 MB that are kept beside the current one: other checkouts may use them
OTHERS = 3

Files = Iterator[tuple[str, bytes]]


def find() -> Path | None:
    """Return the directory of Pyodide and the archive, or None; make nothing."""
    entry = _entry()
    return entry if entry.is_dir() else None


def _entry() -> Path:
    return paths.cache_dir() / "tab-python" / _key()


def ensure() -> Path:
    """Return the directory of Pyodide and the archive; make it, or raise LabError.

    Another process may make the same meanwhile: the first one's stays.
    """
    entry = _entry()
    if entry.is_dir():
        return entry
    make_private(entry.parent)
    with tempfile.TemporaryDirectory(dir=entry.parent) as stage:
        place = Path(stage, "made")
        (place / "pyodide").mkdir(parents=True)
        modules = _install_npm(Path(stage, "npm"))
        for name in CORE:
            _copy_core(modules / "pyodide" / name, place / "pyodide")
        wheels = _download(Path(stage, "wheels"))
        write(place / ARCHIVE, files(wheels))
        (place / LICENSES).write_text(licenses(), "utf-8")
        with contextlib.suppress(FileExistsError):
            place.rename(entry)
    _remove_older(entry)
    return entry


def _remove_older(entry: Path) -> None:
    """Keep an entry and the newest others; stages of other processes stay."""
    others = [
        path
        for path in entry.parent.iterdir()
        if path != entry and _KEY.fullmatch(path.name)
    ]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[OTHERS:]:
        shutil.rmtree(path, ignore_errors=True)


def _copy_core(source: Path, place: Path) -> None:
    """Copy a file of Pyodide, compressed if web servers compress none of its kind."""
    if source.suffix == ".wasm":
        program = memory.limit(source.read_bytes(), memory.PYTHON)
        packed = gzip.compress(program, mtime=0)
        (place / f"{source.name}.gz").write_bytes(packed)
    else:
        shutil.copy(source, place)


def _key() -> str:
    ours = (Path(__file__), Path(memory.__file__), LOCK)
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in ours))
    for name, distribution in sorted(closure().items()):
        digest.update(f"{name} {distribution.version} ".encode())
    for name, content in own_files():
        digest.update(f"{name} ".encode() + content)
    return digest.hexdigest()[:12]


def closure() -> dict[str, metadata.Distribution]:
    """Return the packages, with what they require, by their names."""
    found: dict[str, metadata.Distribution] = {}
    waiting = list(PACKAGES)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found or name in UNUSED:
            continue
        found[name] = metadata.distribution(name)
        for requirement in map(Requirement, found[name].requires or ()):
            marker = requirement.marker
            if marker is None or marker.evaluate(ENVIRONMENT):
                waiting.append(requirement.name)
    return found


def _install_npm(place: Path) -> Path:
    """Return the directory of the npm packages of the lock."""
    if not shutil.which("npm"):
        raise errors.LabError(
            "npm is not here, which fetches Python for the browser.",
            "Run: sh tools/setup.sh full",
        )
    place.mkdir()
    for name in ("package.json", LOCK.name):
        shutil.copy(PYTHON / name, place)
    _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=place)
    return place / "node_modules"


def _download(place: Path) -> list[Path]:
    """Return the wheels of what is compiled, whose checksums the lock has."""
    lines = []
    for name in COMPILED:
        version = metadata.version(name)
        pin = rf"^{name}=={re.escape(version)} (?:.*\\\n)*.*\n"
        if not (found := re.search(pin, REQUIREMENTS.read_text(), re.MULTILINE)):
            raise errors.LabError(
                f"{REQUIREMENTS.name} does not have {name} {version}.",
                "Python in the tab needs the packages of the lock: run `make setup`.",
            )
        lines.append(found[0])
    place.mkdir()
    (place / "lock.txt").write_text("".join(lines))
    words = ("--no-deps", "--require-hashes", "--only-binary=:all:", WASM, *PLATFORM)
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(place))
    _run(*pip, *words, "--requirement", str(place / "lock.txt"))
    return sorted(place.glob("*.whl"))


def _run(*words: str, cwd: Path | None = None) -> None:
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        text = (done.stderr or done.stdout).strip()
        raise errors.LabError(f"{' '.join(words[:3])} failed: {text}")


def files(wheels: list[Path]) -> Files:
    """Yield the name below / of each file of the archive, and its content."""
    for name, distribution in sorted(closure().items()):
        if name not in COMPILED:
            yield from _package_files(distribution)
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                yield f"{SITE}/{name}", archive.read(name)
    yield from own_files()


def _package_files(distribution: metadata.Distribution) -> Files:
    for file in distribution.files or ():
        name = str(file)
        # Only the versions and requirements of a package are read.
        is_about = ".dist-info/" in name and not name.endswith("/METADATA")
        path = Path(str(file.locate()))
        if not is_about and not _LEFT_OUT.search(name) and path.is_file():
            yield f"{SITE}/{name}", path.read_bytes()


def own_files() -> Files:
    """Yield the files of helpers, of the cluster's backends, and of Python's seam."""
    for top in ("cluster", "helpers", "tab/python"):
        for path in sorted((ROOT / top).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.is_file() and not _NOT_HERE.search(name):
                yield f"{SITE}/{_place(name)}", path.read_bytes()
    # Its requirements are read. A checkout keeps them under another name.
    about = metadata.distribution(errors.PROGRAM)
    directory = f"{errors.PROGRAM.replace('-', '_')}-{about.version}.dist-info"
    lines = [f"Name: {errors.PROGRAM}", f"Version: {about.version}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in about.requires or ()]
    content = "\n".join(["Metadata-Version: 2.4", *lines, ""])
    yield f"{SITE}/{directory}/METADATA", content.encode()


def _place(name: str) -> str:
    return name.removeprefix("tab/python/stand_ins/") if "stand_ins" in name else name


def write(target: Path, content: Files) -> None:
    """Write an archive of files; the same content makes the same bytes."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in sorted(content):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o644
            archive.addfile(member, io.BytesIO(data))
    target.write_bytes(gzip.compress(plain.getvalue(), mtime=0))


def licenses() -> str:
    """Return the name and the license of each part, with its text."""
    lock = json.loads(LOCK.read_text("utf-8"))
    version = lock["packages"]["node_modules/pyodide"]["version"]
    parts = [PYODIDE.format(version=version)]
    for name, distribution in sorted(closure().items()):
        about = distribution.metadata
        # Some have the whole text in the field, others nothing but a classifier.
        fields = about.get_all("License-Expression") or about.get_all("License") or [""]
        first_lines = fields[0].strip().splitlines()[:1]
        classes = about.get_all("Classifier") or ()
        names = [text for text in classes if text.startswith("License ::")]
        license_name = " ".join(first_lines or names)
        texts = [
            Path(str(file.locate())).read_text("utf-8").strip()
            for file in distribution.files or ()
            if _LICENSE.search(str(file))
        ]
        title = f"{name} {distribution.version}, license {license_name}"
        parts.append("\n\n".join([title, *texts, ""]))
    return f"\n{'-' * 72}\n".join(parts)


def sizes(directory: Path) -> dict[str, int]:
    """Return how many bytes a browser fetches, by file."""
    return {
        str(path.relative_to(directory)): path.stat().st_size
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


if __name__ == "__main__":
    try:
        print(json.dumps(sizes(ensure()), indent=1))
    except errors.LabError as error:
        sys.exit(str(error))
