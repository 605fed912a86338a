"""Build the image of `binder/Dockerfile` without a container engine; only root can.

The base is made of Debian's packages, under the name that the Dockerfile asks for, and
the programs come from a server on this machine. Each line of the Dockerfile is run, by
buildah. The result, a root directory, is kept until what it was made of changes.
"""

import fcntl
import hashlib
import json
import os
import platform
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import certifi

from cluster import paths, syscalls as sc
from cluster.local.backend import Local
from cluster.programs import releases
from cluster.programs.check import find_runc
from cluster.programs.recipe import RECIPE
from cluster.progress import Silent
from tests.cluster.programs import mirror as m
from tests.cluster.programs.mapped import mapped
from tests.notebooks import ROOT

TAG = "kubernetes-api-notebooks"
#: where no mirror answers
NOWHERE = "https://127.0.0.1:1"
BASE = "docker.io/library/debian:trixie-slim"
#: what the steps before the last copy are made of
INPUTS = (
    *("binder", "cluster", "requirements.lock", ".dockerignore"),
    *("tools/overrides.json", "tools/startup.ipy"),
)
MIRROR = "http://deb.debian.org/debian"
#: what the slim images of Debian leave out, also of packages that are added to them
SLIM = tuple(
    f"--dpkgopt=path-exclude=/usr/share/{name}/*"
    for name in ("doc", "info", "locale", "man")
)
#: as in Debian's images: where packages come from, and none is kept
SOURCES = f"""\
Types: deb
URIs: {MIRROR}
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.pgp
"""
#: the first is ours: a frozen mirror has old lists of a testing suite
OPTIONS = """\
Acquire::Check-Valid-Until "false";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"""


class BuildFailed(Exception):
    """The build ended with an error; the text is what it wrote."""


@dataclass(frozen=True)
class Image:
    """A built image: its root directory, and what is in its configuration.

    `key` names what it was made of; `refused` is what a build said that did not reach
    the programs.
    """

    root: Path
    key: str
    config: dict
    refused: str

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that are set in it."""
        return dict(line.split("=", 1) for line in self.config["Env"])


def cache() -> Path:
    """Return the directory that holds the image and what it is built of."""
    return paths.cache_dir() / "container"


def kept() -> Image | None:
    """Return the image that was built last, whatever it was made of."""
    try:
        return Image(cache() / "root", **json.loads(_note().read_text()))
    except FileNotFoundError:
        return None


def _note() -> Path:
    return cache() / "image.json"


@contextmanager
def in_use() -> Iterator[None]:
    """Keep the image while it is used: another checkout builds its own in its place."""
    with open(cache() / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def ensure() -> Image:
    """Return the image of what this checkout holds; raise BuildFailed."""
    cache().mkdir(parents=True, exist_ok=True)
    with open(cache() / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        image, wanted = kept(), key()
        if image and image.key == wanted:
            return image
        _note().unlink(missing_ok=True)
        with mirror() as served:
            config, refused = build(served, cache() / "root")
        note = {"key": wanted, "config": config, "refused": refused}
        _note().write_text(json.dumps(note))
        return Image(cache() / "root", **note)


def key() -> str:
    """Return a name for what goes into the image."""
    digest = hashlib.sha256()
    for name in files():
        if name.startswith(INPUTS):
            digest.update(f"{name}\n".encode() + (ROOT / name).read_bytes())
    return digest.hexdigest()


def files() -> list[str]:
    """Return the paths of what a checkout of this state would hold."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split("\0")
    return sorted({name for name in names if name and (ROOT / name).is_file()})


def copy_checkout(directory: Path) -> None:
    """Write the files of this checkout, as they are now, to a directory."""
    for name in files():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, directory / name)


@contextmanager
def mirror() -> Iterator[m.Mirror]:
    """Serve the programs as their projects do."""
    binaries, _ = Local().setup(Silent())
    with (
        tempfile.TemporaryDirectory(prefix="mirror-") as directory,
        m.running(Path(directory)) as served,
    ):
        os.chmod(directory, 0o755)
        programs = RECIPE.programs()
        runc = find_runc(binaries).path  # not built where the distribution has one
        paths = {name: binaries / name for name in programs} | {"runc": runc}
        contents = {name: mapped(path) for name, path in paths.items()}
        architecture = releases.ARCHITECTURES[platform.machine()]
        for release in releases.published(programs):
            served.publish(release.at(architecture, served.base), contents)
        # pip asks the hosts of the packages by the same variable.
        bundle = Path(directory, "bundle.pem")
        bundle.write_text(trusted() + served.ca.read_text())
        bundle.chmod(0o644)
        served.ca = bundle
        yield served


def trusted() -> str:
    """Return the certificates by which packages come here."""
    named = (os.environ.get(name, "") for name in ("REQUESTS_CA_BUNDLE", "PIP_CERT"))
    usual = ssl.get_default_verify_paths().openssl_cafile
    found = (Path(name) for name in (*named, usual, certifi.where()) if name)
    return next(file for file in found if file.is_file()).read_text()


def build(served: m.Mirror, export: Path) -> tuple[dict, str]:
    """Build the image into the directory `export`; raise BuildFailed.

    Return its configuration, and what a build says that does not reach the programs.
    """
    with tempfile.TemporaryDirectory(prefix="build-", dir=cache()) as directory:
        work = Path(directory)
        copy_checkout(work / "context")
        try:
            _base(work)
            _archived_kernel(work)
            refused = _refused(work, served)
            # What came before that step is taken from there.
            _steps(work, served, served.base)
            container = _buildah(work, "from", "--pull-never", TAG).strip()
            mounted = _buildah(work, "mount", container).strip()
            shutil.rmtree(export, ignore_errors=True)
            subprocess.run(["cp", "-a", mounted, export], check=True)
            found = json.loads(_buildah(work, "inspect", "--type=image", TAG))
        finally:
            _unmount(work)
        return found["OCIv1"]["config"], refused


def _refused(work: Path, served: m.Mirror) -> str:
    try:
        _steps(work, served, NOWHERE)
    except BuildFailed as error:
        return str(error)
    raise BuildFailed(f"it was made without programs from {NOWHERE}")


def _unmount(work: Path) -> None:
    """Unmount all below `work`; buildah leaves a directory mounted on itself."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    for place in reversed([line.split()[1] for line in lines]):
        if Path(place).is_relative_to(work):
            sc.unmount(place)


def _steps(work: Path, served: m.Mirror, address: str) -> None:
    _build(
        work,
        f"--tag={TAG}",
        *("--volume", f"{served.ca}:/tmp/trusted.pem:ro"),
        *("--build-arg", "REQUESTS_CA_BUNDLE=/tmp/trusted.pem"),
        *("--build-arg", f"LAB_MIRROR={address}"),
    )


def _archived_kernel(work: Path) -> None:
    """Get the kernel from an archive alone, as Debian's mirror has the same paths."""
    places = ("--build-arg", f"ARCHIVE={MIRROR}", "--build-arg", "SUITE=none")
    _build(work, "--target=kernel", *places)


def _build(work: Path, *options: str) -> None:
    file = f"--file={work}/context/binder/Dockerfile"
    words = ("--isolation=chroot", "--pull-never", "--layers", file)
    _buildah(work, "build", *words, *options, str(work / "context"))


def debian(work: Path) -> Path:
    """Return a tar file of what the image begins with; a new one is made in `work`."""
    tar = cache() / "base.tar"
    if not tar.exists():
        tar.parent.mkdir(parents=True, exist_ok=True)
        new = work / "base.tar"
        command = ["mmdebstrap", "--quiet", "--variant=minbase", *SLIM]
        command += ["trixie", str(new), MIRROR]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=300)
        shutil.move(new, tar)
    return tar


def _base(work: Path) -> None:
    tar = debian(work)
    container = _buildah(work, "from", "scratch").strip()
    _buildah(work, "add", container, str(tar), "/")
    for place, text in (
        ("sources.list.d/debian.sources", SOURCES),
        ("apt.conf.d/docker-clean", OPTIONS),
    ):
        (work / "text").write_text(text)
        (work / "text").chmod(0o644)
        _buildah(work, "add", container, str(work / "text"), f"/etc/apt/{place}")
    _buildah(
        work, "run", "--isolation=chroot", container, "rm", "/etc/apt/sources.list"
    )
    _buildah(work, "commit", "--rm", container, BASE)


def _buildah(work: Path, *words: str) -> str:
    """Run buildah with images and containers below `work`; return its output."""
    places = [f"--root={work}/storage", f"--runroot={work}/run"]
    with open(cache() / "build.log", "a+") as log:
        began = log.seek(0, os.SEEK_END)
        done = subprocess.run(
            ["buildah", *places, *words],
            env={**os.environ, "TMPDIR": str(work)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if words[0] != "build" else log,
            stderr=log,
            text=True,
            timeout=1500,
        )
        log.seek(began)
        if done.returncode:
            raise BuildFailed(log.read())
    return done.stdout or ""


if __name__ == "__main__":
    print(ensure().root)
