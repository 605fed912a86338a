"""Build the archive of the suite's images, which `toolbox` describes.

The caller brings an empty directory and removes it. Packages come from the mirrors of
the machine itself, which work behind the same proxy and on the same frozen mirror. On a
Linux without mmdebstrap they come from those of Debian, by a container of Debian.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster import errors, processes
from cluster.image import engine, toolbox
from cluster.image.archive import (
    Entry,
    Image,
    Tree,
    scan,
    write_archive,
    write_layer,
    write_zip,
)
from cluster.language import mark, say
from cluster.progress import Progress

#: Lines of output that an error shows.
_TAIL = 20
_FETCHING_PACKAGES = mark("fetching Debian packages (1 of 4)")


@dataclass(frozen=True)
class Build:
    """A build: the directory to work in, the log, and the view of its progress."""

    work: Path
    log: Path
    progress: Progress

    def make(self, kubectl: Path, client: tuple[str, ...], architecture: str) -> Path:
        """Return the finished archive; raise BuildFailed or MissingTool."""
        if shutil.which("mmdebstrap"):
            root = self._packages()
        else:
            root = self._unpack(architecture)
        python = os.readlink(root / "usr/bin/python3")
        inside = f"usr/local/lib/{python}/dist-packages"
        modules, zipped = self._client(client, python)
        self._compile(root, root / "usr/lib" / python, f"/usr/lib/{python}")
        self._compile(root, modules, f"/{inside}")
        self._compile(root, zipped, f"/{inside}/{toolbox.ZIP}", beside=True)
        self._tell(mark("writing the archive (4 of 4)"))
        packed = self.work / toolbox.ZIP
        write_zip(scan(zipped), packed)
        base = toolbox.pick(scan(root), toolbox.UNWANTED)
        trees = toolbox.layers(base, scan(modules, inside), packed, kubectl, inside)
        return self._write(trees, architecture)

    def _packages(self) -> Path:
        root = self.work / "root"
        where = apt_sources(
            _output("apt-get", "indextargets", "--format", _TARGETS, _BINARY),
            _os_release(),
        )
        lines, options = self.work / "sources.list", self.work / "apt.conf"
        lines.write_text("".join(f"{line}\n" for line in where.lines))
        options.write_text(apt_options(_output("apt-config", "dump")))
        self._run(
            _FETCHING_PACKAGES,
            toolbox.unpack_command(
                where.suite,
                str(lines) if where.lines else "",
                str(options),
                str(root),
            ),
        )
        _thin(root, toolbox.UNWANTED)
        return root

    def _unpack(self, architecture: str) -> Path:
        """Have a container engine run mmdebstrap; return what `_packages` does."""
        program = engine.find()
        if not program:
            purpose = say("build the toolbox image")
            raise errors.MissingTool("mmdebstrap", purpose, engine.way_out())
        root, packed = self.work / "root", self.work / "root.tar"
        fetch = engine.command(program, architecture)
        self._run(_FETCHING_PACKAGES, fetch, output=packed)
        engine.unpack(packed, root)
        packed.unlink()
        _thin(root, toolbox.UNWANTED)
        return root

    def _client(self, pins: tuple[str, ...], python: str) -> tuple[Path, Path]:
        modules, zipped = self.work / "modules", self.work / "zipped"
        constraints = self.work / "constraints.txt"
        # The client is asked for by its version: as one more constraint, a mirror out
        # of reach would be reported as a conflict of versions.
        client, *others = pins
        constraints.write_text("".join(f"{pin}\n" for pin in others))
        self._run(
            mark("fetching the Python client (2 of 4)"),
            toolbox.client_command(
                sys.executable,
                python.removeprefix("python"),
                platform.machine(),
                str(constraints),
                str(modules),
                client,
            ),
            # A learner's pip may be set to install for the user; not together with
            # a directory.
            {"PIP_USER": "0"},
        )
        _thin(modules, toolbox.UNWANTED_CLIENT)
        zipped.mkdir()
        for name in toolbox.ZIPPED:
            if (modules / name).exists():
                (modules / name).rename(zipped / name)
        return modules, zipped

    def _compile(
        self, root: Path, directory: Path, inside: str, *, beside: bool = False
    ) -> None:
        loader = next(root.glob("usr/lib/*-linux-gnu/ld-linux-*.so.*"))
        self._run(
            mark("compiling Python modules (3 of 4)"),
            toolbox.compile_command(
                str(loader),
                str(root / "usr/bin/python3"),
                str(directory),
                inside,
                beside=beside,
            ),
            # Without a seed the order of a set, and so the bytecode, is another each
            # time.
            {"PYTHONHOME": str(root / "usr"), "PYTHONHASHSEED": "0"},
        )

    def _write(self, trees: list[Tree], architecture: str) -> Path:
        layers = tuple(
            write_layer(tree, self.work / f"layer-{number}.tar")
            for number, tree in enumerate(trees)
        )
        archive = self.work / "archive.tar"
        images = [
            Image(toolbox.NAMES, layers, toolbox.TOOLBOX_CONFIG),
            Image(toolbox.PAUSE_NAMES, layers[:1], toolbox.PAUSE_CONFIG),
        ]
        write_archive(images, architecture, archive)
        return archive

    def _run(
        self,
        what: str,
        command: list[str],
        extra: Mapping[str, str] | None = None,
        output: Path | None = None,
    ) -> None:
        """Run one child to its end; raise BuildFailed with the last lines it wrote.

        The log gets what it prints, unless that is for the file `output`.
        """
        printed = output or self.work / "output"
        self.log.touch()
        began = self.log.stat().st_size
        code = processes.run(
            command,
            log=self.log,
            output=printed,
            watch=lambda _: self._tell(what),
            env={**os.environ, "TMPDIR": str(self.work), **(extra or {})},
        )
        complaints = self.log.read_bytes()[began:]
        answer = b"" if output else printed.read_bytes()
        with open(self.log, "ab") as log:
            log.write(answer)
        if code:
            # pip says on one what it does and on the other what went wrong.
            lines = (complaints or answer).decode(errors="replace").splitlines()
            image = say("the toolbox image ({step})", step=say(what))
            tail = "\n".join(lines[-_TAIL:])
            raise errors.BuildFailed(image, code, tail, self.log)

    def _tell(self, step: str) -> None:
        self.progress.update(say("toolbox image: {step}", step=say(step)))


#: Only lists of binary packages, not of sources or icons.
_BINARY = "Created-By: Packages"
#: How `apt-get indextargets` is asked; `apt_sources` reads the answer.
_TARGETS = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(SIGNED_BY)"

_SUITE_NAMES = ("UBUNTU_CODENAME", "DEBIAN_CODENAME", "VERSION_CODENAME")
_FETCHING = re.compile(
    r'Acquire::(https?::.+|ftp::.+|Check-[\w-]+|Retries|ForceIPv\d) ".+";'
)


@dataclass(frozen=True)
class Sources:
    """Where packages come from: a suite, and lines for apt (none: its default)."""

    suite: str
    lines: tuple[str, ...] = ()


def apt_sources(targets: str, os_release: dict[str, str]) -> Sources:
    """Choose the distribution's own sources among those of the machine.

    Keys of others (browsers, drivers) may be missing. NB apt can also tell which source
    is trusted: to hand the outcome of a check on as an option would switch it off.
    """
    suite = next((os_release[name] for name in _SUITE_NAMES if name in os_release), "")
    suites = {suite, f"{suite}-updates", f"{suite}-security", f"{suite}/updates"}
    rows = [line.split("|") for line in targets.splitlines() if line.count("|") == 3]
    chosen = [row for row in rows if suite and row[1] in suites]
    if not chosen:
        # Unstable has the next release's codename, which its sources do not use.
        chosen = rows
        suite = rows[0][1] if rows else suite or "stable"
    lines = []
    for uri, name, component, keyring in chosen:
        # A variable without a value stays as it is; a key written out has many lines.
        option = f"[signed-by={keyring}] " if keyring.startswith("/") else ""
        lines.append(f"deb {option}{uri} {name} {component}")
    return Sources(suite, tuple(dict.fromkeys(lines)))


def apt_options(dump: str) -> str:
    """Choose from `apt-config dump` what a proxy, own CA or frozen mirror needs."""
    lines = [line for line in dump.splitlines() if _FETCHING.fullmatch(line)]
    return "".join(f"{line}\n" for line in lines)


def system() -> str:
    """Return the name and version of this machine's distribution, as `debian-12`."""
    release = _os_release()
    return f"{release.get('ID', 'linux')}-{release.get('VERSION_ID', '')}"


def _os_release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _output(*command: str) -> str:
    """Return what a quick command prints; nothing if this machine does not have it."""
    if not shutil.which(command[0]):
        return ""
    return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout


def _thin(root: Path, unwanted: tuple[str, ...]) -> None:
    """Remove unwanted files early: what is gone is not compiled."""
    # `scan` follows no links, so nothing outside of `root` can be meant.
    tree = scan(root)
    for name in tree.keys() - toolbox.pick(tree, unwanted).keys():
        if tree[name] != Entry():
            (root / name).unlink()
