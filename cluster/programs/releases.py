"""Describe the programs that upstream publishes, and where. Nothing is fetched.

Each file is beside a text with its SHA-256, made by the same project. A download is as
trustworthy as HTTPS and the release itself: no signature is checked. A build is pinned
byte for byte.

programs                     published as                      with its sums in
kubectl, kubelet, kube-*     the program                       NAME.sha256
etcd                         a tar file                        SHA256SUMS of the release
containerd, its shim, ctr    a tar file, linked with glibc     NAME.sha256sum
CoreDNS, CNI plugins         a tar file                        NAME.sha256
runc                         the program, with libseccomp      runc.sha256sum, signed
kind                         the program                       NAME.sha256sum

On macOS there are kubectl and kind, which are all that a cluster made by kind needs.
"""

import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cluster import errors, versions

#: machines for which all of these projects publish programs, by the kernel's name
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
LINUX, MACOS = "linux", "darwin"

#: switches downloads off, whatever its value
OFF = "LAB_NO_DOWNLOADS"
#: names a copy of the projects' hosts: it is asked for `/dl.k8s.io/…` and so on
MIRROR = "LAB_MIRROR"

_SUM = re.compile(r"^([0-9a-fA-F]{64})(?:\s+\*?(\S+))?$")


@dataclass(frozen=True)
class Release:
    """A published file: its `url`, and that of the text with its `sums`.

    `members` maps the program to its path in a tar file; None for a file that is the
    program itself. All three may hold `{arch}`. An address with `{system}` is published
    for macOS as well.
    """

    url: str
    sums: str
    programs: tuple[str, ...]
    members: Mapping[str, str] | None = field(default=None, hash=False)

    @property
    def name(self) -> str:
        """Return the file's name, as the text with the sums has it."""
        return self.url.rpartition("/")[2]

    @property
    def host(self) -> str:
        """Return the host that serves the file."""
        return self.url.split("/")[2]

    def is_for(self, system: str) -> bool:
        """Say whether the file is for an operating system, such as "darwin"."""
        return system == LINUX or (system == MACOS and "{system}" in self.url)

    def at(
        self, architecture: str, mirror: str = "", system: str = sys.platform
    ) -> "Release":
        """Return the release for `architecture`, with the addresses that are asked.

        A mirror keeps what it copies under its own address, then the host, the path.
        """

        def address(url: str) -> str:
            if mirror:
                url = f"{mirror.rstrip('/')}/{url.removeprefix('https://')}"
            return for_machine(url)

        def for_machine(text: str) -> str:
            return text.replace("{arch}", architecture).replace("{system}", system)

        members = self.members and {
            name: for_machine(path) for name, path in self.members.items()
        }
        return Release(address(self.url), address(self.sums), self.programs, members)


def published(programs: Iterable[str], system: str = sys.platform) -> list[Release]:
    """Return the files that hold these programs, each once; [] if one is missing."""
    found = [PUBLISHED.get(name) for name in programs]
    files = [file for file in found if file and file.is_for(system)]
    return list(dict.fromkeys(files)) if len(files) == len(found) else []


def mirror() -> str:
    """Return the address in LAB_MIRROR, or ""; raise LabError."""
    base = os.environ.get(MIRROR, "")
    if base and not base.startswith("https://"):
        raise errors.LabError(
            f"{MIRROR}={base}: is no https:// address.",
            f"Name one, or unset {MIRROR} to ask the projects themselves.",
        )
    return base


def hosts() -> str:
    """Return the hosts of the downloads, "" if downloads are off; send no request."""
    if OFF in os.environ:
        return ""
    return mirror() or ", ".join(sorted({r.host for r in PUBLISHED.values()}))


def sum_in(text: str, name: str) -> str:
    """Return the SHA-256 of the file `name` in a text with sums, or "".

    The text is a sum alone, or lines as `sha256sum` writes them, perhaps signed.
    """
    for line in text.splitlines():
        found = _SUM.match(line.strip())
        if found and (found[2] or name).rpartition("/")[2] == name:
            return found[1].lower()
    return ""


def _kubernetes(program: str) -> Release:
    # On macOS nothing but kubectl.
    system = "{system}" if program == "kubectl" else LINUX
    place = f"https://dl.k8s.io/release/{versions.KUBERNETES}/bin"
    url = f"{place}/{system}/{{arch}}/{program}"
    return Release(url, f"{url}.sha256", (program,))


def _github(
    project: str,
    version: str,
    file: str,
    sums: str,
    members: Mapping[str, str] | tuple[str, ...],
) -> Release:
    """Describe a file of a release on GitHub; a tuple: it is the program itself."""
    base = f"https://github.com/{project}/releases/download/{version}"
    inside = members if isinstance(members, Mapping) else None
    return Release(f"{base}/{file}", f"{base}/{sums}", tuple(members), inside)


def _bare(version: str) -> str:
    return version.removeprefix("v")


_ETCD = f"etcd-{versions.ETCD}-linux-{{arch}}"
_CONTAINERD = f"containerd-{_bare(versions.CONTAINERD)}-linux-{{arch}}.tar.gz"
_COREDNS = f"coredns_{_bare(versions.COREDNS)}_linux_{{arch}}.tgz"
_CNI = f"cni-plugins-linux-{{arch}}-{versions.CNI_PLUGINS}.tgz"

_RELEASES = (
    *map(
        _kubernetes,
        (
            "kubectl",
            "kubelet",
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kube-proxy",
        ),
    ),
    _github(
        "etcd-io/etcd",
        versions.ETCD,
        f"{_ETCD}.tar.gz",
        "SHA256SUMS",
        {"etcd": f"{_ETCD}/etcd"},
    ),
    _github(
        "containerd/containerd",
        versions.CONTAINERD,
        _CONTAINERD,
        f"{_CONTAINERD}.sha256sum",
        {
            name: f"bin/{name}"
            for name in ("containerd", "containerd-shim-runc-v2", "ctr")
        },
    ),
    _github(
        "coredns/coredns",
        versions.COREDNS,
        _COREDNS,
        f"{_COREDNS}.sha256",
        {"coredns": "coredns"},
    ),
    _github(
        "containernetworking/plugins",
        versions.CNI_PLUGINS,
        _CNI,
        f"{_CNI}.sha256",
        {name: name for name in ("bridge", "host-local", "loopback", "portmap")},
    ),
    _github(
        "opencontainers/runc",
        versions.RUNC,
        "runc.{arch}",
        "runc.sha256sum",
        ("runc",),
    ),
    _github(
        "kubernetes-sigs/kind",
        versions.KIND,
        "kind-{system}-{arch}",
        "kind-{system}-{arch}.sha256sum",
        ("kind",),
    ),
)

#: program to the file that holds it
PUBLISHED = {name: release for release in _RELEASES for name in release.programs}
