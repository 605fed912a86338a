"""Describe the images that the suite's pods ask for; write them into one archive.

Each is a stand-in under the name of upstream's image: packages of Debian, or busybox,
with the programs that upstream puts into it, built by `suite`. So no registry has to
answer. The suite itself lists the names, with the versions of their tags.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cluster.image import build, toolbox
from cluster.image.archive import (
    Entry,
    Image,
    Layer,
    Tree,
    scan,
    write_archive,
    write_layer,
)
from cluster.image.find import architecture
from cluster.image.toolbox import PAUSE_CONFIG
from cluster.progress import Progress
from cluster.tests.machines import install, suite
from cluster.tests.machines.systems import DEBIAN, UBUNTUS, System

#: packages of the base of most images; upstream's has Alpine's of the same programs
PACKAGES = (
    "base-files",
    "usr-is-merged",
    "bash",
    "dash",
    "coreutils",
    "findutils",
    "grep",
    "sed",
    "mawk",
    "procps",
    "util-linux",
    "libc-bin",
    "curl",
    "iproute2",
    "netcat-openbsd",
    "socat",
    # dig
    "bind9-dnsutils",
    "nginx-light",
    "busybox-static",
    "bash-static",
    # PID 1 of the image of pauses
    "catatonit",
)
KEYS = Path("/usr/share/keyrings")
#: links that the packages' install scripts would have made
LINKS = {
    "usr/bin/awk": "mawk",
    "usr/bin/nc": "nc.openbsd",
    "usr/bin/which": "which.debianutils",
}
_PATH = {"Env": PAUSE_CONFIG["Env"]}
_E2E = f"{suite.REGISTRY}/e2e-test-images"
_WEB = {"Entrypoint": ["/agnhost"], "Cmd": ["test-webserver"]}
_NGINX = b"""\
user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log /dev/stderr warn;
events { worker_connections 128; }
http {
  access_log /dev/stdout;
  include /etc/nginx/mime.types;
  server { listen 80 default_server; root /usr/share/nginx/html; }
}
"""
#: a spec of kubectl looks for the title
_WELCOME = (
    b"<!DOCTYPE html><title>Welcome to nginx!</title><h1>Welcome to nginx!</h1>\n"
)
#: a spec of image volumes looks for this name in the file, as in upstream's image
_RELEASE = b'NAME="Debian"\nPRETTY_NAME="Debian, a stand-in for Alpine Linux"\n'
_USERS = """\
root:x:0:0:root:/root:/bin/sh
www-data:x:33:33:www-data:/var/www:/bin/false
user-defined-in-image:x:1000:1000::/home:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false
"""
#: a spec looks for the groups of the user above
_GROUPS = """\
root:x:0:
www-data:x:33:
user-defined-in-image:x:1000:
group-defined-in-image:x:50000:user-defined-in-image
nogroup:x:65534:
"""


@dataclass(frozen=True)
class StandIn:
    """An image of layers, by their names in `trees`, the lowest first."""

    layers: tuple[str, ...]
    config: dict = field(default_factory=dict)


#: images by their name without a tag
STAND_INS = {
    f"{_E2E}/agnhost": StandIn(
        ("debian", "agnhost"), {"Entrypoint": ["/agnhost"], "Cmd": ["pause"]}
    ),
    f"{_E2E}/busybox": StandIn(("busybox",), {"Cmd": ["sh"]}),
    f"{_E2E}/glibc-dns-testing": StandIn(("debian",), {"Cmd": ["bash"]}),
    f"{_E2E}/kitten": StandIn(("debian", "agnhost", "kitten"), _WEB),
    f"{_E2E}/nautilus": StandIn(("debian", "agnhost", "nautilus"), _WEB),
    f"{_E2E}/nginx": StandIn(
        ("debian", "nginx"),
        {"Cmd": ["nginx", "-g", "daemon off;"], "StopSignal": "SIGQUIT"},
    ),
    f"{_E2E}/nonewprivs": StandIn(("busybox", "nnp"), {"Cmd": ["nnp"]}),
    f"{_E2E}/nonroot": StandIn(("busybox",), {"Cmd": ["sh"], "User": "1234"}),
    f"{_E2E}/regression-issue-74839": StandIn(
        ("busybox", "regression"), {"Entrypoint": ["/regression-issue-74839"]}
    ),
    f"{_E2E}/sample-apiserver": StandIn(
        ("busybox", "sample"), {"Entrypoint": ["/sample-apiserver"]}
    ),
    f"{suite.REGISTRY}/etcd": StandIn(("busybox", "etcd"), {"Cmd": ["etcd"]}),
    f"{suite.REGISTRY}/pause": StandIn(("pause",), PAUSE_CONFIG),
}


def trees(debian: Path, applets: Iterable[str], built: Path, etcd: Path) -> dict:
    """Return what is in each layer, by its name.

    `debian` is a directory of the unpacked packages, `applets` the commands of its
    busybox; `built` has the programs of `suite.ensure`.
    """
    base = toolbox.pick(scan(debian), toolbox.UNWANTED)
    data = built / suite.DATA
    binaries = debian / "usr/bin"
    users = {
        "etc/passwd": Entry(0o644, content=_USERS.encode()),
        "etc/group": Entry(0o644, content=_GROUPS.encode()),
    }
    init = toolbox.INIT.removeprefix("/")
    return {
        "debian": {
            **{name: Entry(target=target) for name, target in LINKS.items()},
            **base,
            **users,
            "tmp": Entry(0o1777),
            "root": Entry(0o700),
        },
        "busybox": {**_busybox(binaries, applets), **users},
        "pause": {init: base[init]},
        "agnhost": {
            "agnhost": Entry(source=built / "agnhost"),
            # A spec replaces the entry point by this name.
            "agnhost-2": Entry(target="agnhost"),
            "uploads": Entry(0o777),
            "localhost.crt": _file(data / "agnhost/porter/localhost.crt"),
            "localhost.key": _file(data / "agnhost/porter/localhost.key"),
        },
        **{
            name: {
                f"{name}.jpg": _file(data / f"{name}/html/{name}.jpg"),
                "data.json": _file(data / f"{name}/html/data.json"),
                "etc/os-release": Entry(0o644, content=_RELEASE),
            }
            for name in ("kitten", "nautilus")
        },
        "nginx": {
            "etc/nginx/nginx.conf": Entry(0o644, content=_NGINX),
            "usr/share/nginx/html/index.html": Entry(0o644, content=_WELCOME),
            "var/lib/nginx": Entry(),
            "var/log/nginx": Entry(),
            "run": Entry(),
        },
        "nnp": {"usr/local/bin/nnp": Entry(0o6755, source=built / "nnp")},
        "regression": _program(built / "regression-issue-74839"),
        "sample": _program(built / "sample-apiserver"),
        "etcd": {"usr/local/bin/etcd": Entry(source=etcd)},
    }


def _busybox(binaries: Path, applets: Iterable[str]) -> Tree:
    links = {f"bin/{name}": Entry(target="busybox") for name in applets}
    return {
        **links,
        "bin/busybox": Entry(source=binaries / "busybox"),
        # Before /bin in the path: busybox's shell drops variables like `data-1`, which
        # specs look for by `sh -c env`. Others name /bin/sh, and want its messages.
        "usr/local/bin/sh": Entry(source=binaries / "bash-static"),
        "usr/bin": Entry(target="../bin"),
        "sbin": Entry(target="bin"),
        "tmp": Entry(0o1777),
        "root": Entry(0o700),
        **{name: Entry() for name in ("dev", "home", "proc", "sys")},
    }


def _file(path: Path) -> Entry:
    return Entry(0o644, source=path)


def _program(path: Path) -> Tree:
    return {path.name: Entry(source=path)}


def images(names: Iterable[str], layers: Mapping[str, Layer]) -> list[Image]:
    """Return the stand-in of each name that has one.

    Specs compare images of two tags, so a label makes each of them another image.
    """
    found = []
    for name in sorted(names):
        if stand_in := STAND_INS.get(name.rpartition(":")[0]):
            config = {**_PATH, **stand_in.config, "Labels": {"name": name}}
            parts = tuple(layers[layer] for layer in stand_in.layers)
            found.append(Image((name,), parts, config))
    return found


def source(name: str) -> System:
    """Return the system whose packages are unpacked on this one; its keys are there."""
    return next((system for system in UBUNTUS if system.name == name), DEBIAN)


def lacks() -> str:
    """Return why no image can be made here, or ""."""
    if not shutil.which("mmdebstrap"):
        return "mmdebstrap is not installed"
    if source(build.system()) == DEBIAN and not [
        *KEYS.glob("debian-archive-keyring.*")
    ]:
        return "debian-archive-keyring is not installed"
    return ""


def ensure(built: Path, programs: Path, progress: Progress) -> Path:
    """Return the archive of all images; making it takes a minute, once.

    `built` is what `suite.ensure` returns, `programs` has the etcd of a cluster. Raise
    AssertionError where the packages cannot be fetched.
    """
    kept = install.machines() / "conformance-images"
    kept.mkdir(exist_ok=True)
    parts = (built.name, programs.name, Path(__file__).read_text())
    archive = kept / f"{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}.tar"
    if not archive.exists():
        progress.update("making the images: fetching Debian packages")
        for older in kept.iterdir():
            older.unlink()
        with tempfile.TemporaryDirectory(dir=install.machines()) as directory:
            work = Path(directory)
            _write(built, programs, work, progress)
            os.replace(work / "images.tar", archive)
    return archive


def _write(built: Path, programs: Path, work: Path, progress: Progress) -> None:
    debian = work / "debian"
    # As the toolbox is unpacked, with other packages.
    system = source(build.system())
    command = toolbox.unpack_command(system.suite, "", os.devnull, str(debian))
    packages = f"--include={','.join(PACKAGES)}"
    words = [packages if word.startswith("--include=") else word for word in command]
    install.run(*words, *system.mirrors)
    progress.update("making the images: writing the archive")
    applets = _output(debian / "usr/bin/busybox", "--list").split()
    names = _output(built / "e2e.test", "--list-images").split()
    contents = trees(debian, applets, built, programs / "etcd")
    layers = {
        name: write_layer(tree, work / f"{name}.layer")
        for name, tree in contents.items()
    }
    write_archive(images(names, layers), architecture(), work / "images.tar")


def _output(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
