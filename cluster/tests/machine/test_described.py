"""The components of each backend, option by option, are those of the files beside this.

A change of a description is a change of its file, and is read as a diff. What each
option is for is said where it is decided, beside it. Run as a program (`python -m`),
this module writes the files anew.
"""

import difflib
import json
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest
import yaml

from cluster.controlplane import components as controlplane
from cluster.controlplane.components import Ports
from cluster.machine import bootstrap, components
from cluster.machine.components import Component, Facts
from cluster.processes import PACKAGES
from cluster.usermode import components as usermode
from cluster.usermode.kernel import Kernel

HERE = Path(__file__).with_name("described")
PYTHON = "/usr/bin/python3"
FACTS = Facts(
    python=PYTHON,
    runc="/usr/sbin/runc",
    seccomp=True,
    snapshotter="overlayfs",
    service_proxy=True,
    import_archive="/run/lab/images/toolbox.tar",
)
LEAST = Facts(python=PYTHON, runc="/it's/runc")
ROOTLESS = replace(FACTS, service_proxy=False, import_archive=None)
PORTS = Ports(6001, 6002, 6003, 6004, 6005)
KERNEL = Kernel(
    "/usr/bin/linux.uml",
    "/usr/bin/slirp4netns",
    "/usr/sbin/mkfs.ext4",
    "/usr/bin/mksquashfs",
)


def local(facts: Facts) -> list[str]:
    posts = bootstrap.posts(limits=facts.limits, single_id=facts.single_id, ca="")
    wanted = [post for post in posts if post.wanted]
    objects = (f"object {post.path} {post.body['metadata']['name']}" for post in wanted)
    return [*lines(components.describe(facts)), *objects]


def processes(*, bootstrapped: bool = False, node: bool = False) -> list[str]:
    options = {"bootstrapped": bootstrapped, "node": node}
    return [*lines(controlplane.describe(PORTS, "/home/a, b/bin", **options))]


def node(kernel: Kernel = KERNEL) -> list[str]:
    launcher = usermode.launcher(kernel, PYTHON, '/home/a, "b"/state', PORTS.egress)
    return [*lines((launcher, *usermode.describe(ROOTLESS, PORTS.apiserver)))]


#: each backend's description, and those for machines that have less or more
BACKENDS = {
    "local": {
        "": lambda: local(FACTS),
        "the least": lambda: local(LEAST),
        "an empty etcd": lambda: local(replace(FACTS, empty=True)),
        "the etcd of the run before": lambda: local(replace(FACTS, bootstrapped=True)),
        "cgroups": lambda: local(replace(FACTS, limits=True)),
        "a single id": lambda: local(replace(FACTS, single_id=True)),
        "a score": lambda: local(replace(FACTS, oom_score=500)),
    },
    "controlplane": {
        "": processes,
        "the etcd of the run before": lambda: processes(bootstrapped=True),
        "a node": lambda: processes(node=True),
    },
    "usermode": {
        "": node,
        "a kernel that knows seccomp": lambda: node(replace(KERNEL, seccomp=True)),
    },
}


def lines(parts: tuple[Component, ...]) -> Iterator[str]:
    """Yield a line for each word, and for what is not the default."""
    for part in parts:
        for field in fields(part):
            value = getattr(part, field.name)
            if field.name == "argv":
                yield from (f"{part.name} {word}" for word in value)
            elif field.name == "files":
                for path, text in value.items():
                    yield f"{part.name} file {path}"
                    short = path.rpartition("/")[2]
                    yield from (f"{part.name} {short} | {line}" for line in read(text))
            elif field.name != "name" and value and value != field.default:
                yield f"{part.name} {field.name} = {value}"


def read(text: str) -> list[str]:
    """Return the lines of a file; JSON, which would be long, as YAML."""
    if text.startswith("{"):
        document = json.loads(text)
        text = yaml.safe_dump(document, default_flow_style=None, sort_keys=False)
    return text.splitlines()


def describe(backend: str) -> str:
    """Return its usual components, and in which lines they are others."""
    cases = BACKENDS[backend]
    usual = cases[""]()
    text = [*usual]
    for name, case in cases.items():
        if name:
            changed = difflib.ndiff(usual, case())
            text += ["", f"with {name}", *(line for line in changed if line[0] in "+-")]
    return "\n".join((*text, "")).replace(PACKAGES, "PACKAGES")


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_components_are_those_that_were_read(backend):
    kept = (HERE / f"{backend}.txt").read_text()
    assert describe(backend) == kept, f"python -m {__name__}; git diff"


if __name__ == "__main__":
    for name in BACKENDS:
        (HERE / f"{name}.txt").write_text(describe(name))
