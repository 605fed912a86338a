"""Describe what upstream and we publish, and where. Nothing is fetched.

Each file is beside a text with its SHA-256, made by the same project. A download is as
trustworthy as HTTPS and the release itself: no signature is checked. For macOS there
are kubectl and kind, which are all that a cluster made by kind needs.
"""

import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cluster import errors, release, versions
from cluster.language import say

#: machines for which all of these projects publish programs, by the kernel's name
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
LINUX, MACOS = "linux", "darwin"

#: architecture of this machine, as the projects name it
ARCHITECTURE = ARCHITECTURES.get(platform.machine(), platform.machine())
#: switches downloads off, whatever its value
OFF = "LAB_NO_DOWNLOADS"
#: the setting for a copy of the projects' hosts, asked for `/dl.k8s.io/…` and so on
MIRROR = "LAB_MIRROR"

#: names the archive of this version: a path or an https:// address; "none" for none
BUNDLE = "LAB_BUNDLE"
ENDING = ".tar.xz"

_SUM = re.compile(r"^([0-9a-fA-F]{64})(?:\s+\*?(\S+))?$")


@dataclass(frozen=True)
class Release:
    """A published file: its `url`, and that of the text with its `sums`.

    `known` is its SHA-256 where we have that already: the text is not asked for then.
    `members` maps the program to its path in a tar file; None for a file that is the
    program itself. All three may hold `{arch}`. An address with `{system}` is published
    for macOS as well.
    """

    url: str
    sums: str
    programs: tuple[str, ...]
    members: Mapping[str, str] | None = field(default=None, hash=False)
    known: str = ""

    @property
    def name(self) -> str:
        """Return the file's name, as the text with the sums has it."""
        return self.url.rpartition("/")[2]

    @property
    def host(self) -> str:
        """Return the host that serves the file."""
        return self.url.split("/")[2]

    def is_for(self, system: str) -> bool:
        """Return whether the file is for an operating system, such as "darwin"."""
        return system == LINUX or (system == MACOS and "{system}" in self.url)

    def at(
        self, architecture: str, mirror: str = "", system: str = sys.platform
    ) -> "Release":
        """Return the release for a machine, with the addresses of a mirror."""

        def here(text: str) -> str:
            text = text.replace("{arch}", architecture).replace("{system}", system)
            if not mirror:
                return text
            return text.replace("https://", f"{mirror.rstrip('/')}/")

        members = self.members and {n: here(path) for n, path in self.members.items()}
        return replace(self, url=here(self.url), sums=here(self.sums), members=members)


def published_files(
    programs: Iterable[str], system: str = sys.platform
) -> list[Release]:
    """Return the files that hold these programs, each once; [] if one is missing."""
    all_files = [PUBLISHED.get(name) for name in programs]
    files = [file for file in all_files if file and file.is_for(system)]
    return list(dict.fromkeys(files)) if len(files) == len(all_files) else []


def mirror() -> str:
    """Return the address in LAB_MIRROR, or ""; raise LabError."""
    base = os.environ.get(MIRROR, "")
    if base and not base.startswith("https://"):
        message = say("is no https:// address.")
        hint = say("Name one, or unset LAB_MIRROR to ask the projects themselves.")
        raise errors.LabError(f"{MIRROR}={base}: {message}", hint)
    return base


def hosts() -> str:
    """Return the hosts of the downloads, "" if downloads are off; send no request."""
    if OFF in os.environ:
        return ""
    return mirror() or ", ".join(sorted({r.host for r in PUBLISHED.values()}))


def is_named() -> bool:
    """Return whether a person has named the archive."""
    return os.environ.get(BUNDLE, "") not in ("", "none")


def bundle_name() -> str:
    """Return the name of the archive of this version for this machine."""
    return f"{errors.PROGRAM}-{release.version()}-linux-{ARCHITECTURE}{ENDING}"


def bundle() -> Path | str | None:
    """Return the path or the address of the archive, or None; send no request.

    None where no release is in question: then nothing is asked and nothing is said.
    """
    named = os.environ.get(BUNDLE, "")
    if named == "none" or sys.platform != LINUX:
        return None
    if named:
        return named if "://" in named else Path(named).expanduser().absolute()
    return None if OFF in os.environ else release.address(bundle_name()) or None


def sum_in(text: str, name: str) -> str:
    """Return the SHA-256 of `name` in a text as `sha256sum` writes it, or "".

    The text may be only a sum, or be signed, as that of runc.
    """
    for line in text.splitlines():
        match = _SUM.match(line.strip())
        if match and (match[2] or name).rpartition("/")[2] == name:
            return match[1].lower()
    return ""


def _release(
    place: str, file: str, sums: str, *programs: str, inside: str | None = None
) -> Release:
    """Describe a file; `inside` is where a tar file has the programs."""
    sums = f"{file}{sums}" if sums.startswith(".") else sums
    paths = {name: f"{inside}{name}" for name in programs}
    members = None if inside is None else paths
    return Release(f"{place}/{file}", f"{place}/{sums}", programs, members)


def _github(project: str, version: str) -> str:
    return f"https://github.com/{project}/releases/download/{version}"


_BIN = f"https://dl.k8s.io/release/{versions.KUBERNETES}/bin"
_ETCD = f"etcd-{versions.ETCD}-linux-{{arch}}"
_CONTAINERD = versions.CONTAINERD.removeprefix("v")
_COREDNS = versions.COREDNS.removeprefix("v")

_RELEASES = (
    # On macOS nothing else of Kubernetes.
    _release(f"{_BIN}/{{system}}/{{arch}}", "kubectl", ".sha256", "kubectl"),
    *(
        _release(f"{_BIN}/{LINUX}/{{arch}}", name, ".sha256", name)
        for name in (
            "kubelet",
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kube-proxy",
        )
    ),
    _release(
        _github("etcd-io/etcd", versions.ETCD),
        f"{_ETCD}.tar.gz",
        "SHA256SUMS",
        "etcd",
        inside=f"{_ETCD}/",
    ),
    # Linked with glibc.
    _release(
        _github("containerd/containerd", versions.CONTAINERD),
        f"containerd-{_CONTAINERD}-linux-{{arch}}.tar.gz",
        ".sha256sum",
        "containerd",
        "containerd-shim-runc-v2",
        "ctr",
        inside="bin/",
    ),
    _release(
        _github("coredns/coredns", versions.COREDNS),
        f"coredns_{_COREDNS}_linux_{{arch}}.tgz",
        ".sha256",
        "coredns",
        inside="",
    ),
    _release(
        _github("containernetworking/plugins", versions.CNI_PLUGINS),
        f"cni-plugins-linux-{{arch}}-{versions.CNI_PLUGINS}.tgz",
        ".sha256",
        "bridge",
        "host-local",
        "loopback",
        "portmap",
        inside="",
    ),
    # With libseccomp in it.
    _release(
        _github("opencontainers/runc", versions.RUNC),
        "runc.{arch}",
        "runc.sha256sum",
        "runc",
    ),
    _release(
        _github("kubernetes-sigs/kind", versions.KIND),
        "kind-{system}-{arch}",
        ".sha256sum",
        "kind",
    ),
)

#: program to the file that holds it
PUBLISHED = {name: release for release in _RELEASES for name in release.programs}
