"""Build the image of `binder/Dockerfile` with Docker, as docs/binder.md has it.

What is outside has a stand-in: the base, made of Debian's packages under the name that
the Dockerfile asks for, and the programs' hosts, a server in the engine's network. The
engine keeps each layer until what it was made of changes.
"""

import mmap
import os
import platform
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import certifi

from cluster import versions
from cluster.local.backend import Local
from cluster.programs import releases
from cluster.programs.recipe import RECIPE
from cluster.programs.runc import find_runc
from cluster.progress import Silent
from cluster.tests.commandline import ROOT
from cluster.tests.engine import Engine
from cluster.tests.programs import mirror as m
from tools import bundle

TAG = "kubernetes-api-notebooks"
#: of the Dockerfile: what the image takes files of, and what a dev container is
STAGES = ("kernel", "complete", "thin")
#: where no mirror answers, and where the mirror does
NOWHERE, PORT = "https://127.0.0.1:1", 8443
#: of the mirror, the same for every build: the base has its authority
CERTIFICATES = "mirror"
BASE = versions.DEBIAN.removeprefix("docker.io/library/")
#: the same as Debian's packages alone give it
DEBIAN = "debian:bare"
MIRROR = "http://deb.debian.org/debian"
#: options that leave out what Debian's slim images do, also of added packages
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
#: a build mounts nothing, so the base has it
TRUSTED = "/etc/apt/trusted.pem"


def ensure(engine: Engine, **more: str) -> str:
    """Build the image of this checkout and return its name; raise AssertionError.

    `more` are stages that come after it, and the names for them.
    """
    # Stages have names: else their layers would go with those of older images.
    named = {name: f"{TAG}:{name}" for name in STAGES} | {"image": TAG}
    # Without a target, the engine's way to build would make every stage.
    targets = {**named, **more}
    options = [("--target", name, "--tag", tag) for name, tag in targets.items()]
    with mirror(engine) as served:
        archive = served.base + publish_archive(engine, served)
        done = build(engine, served.base, *options, archive=archive)
    assert done.returncode == 0, done.stdout[-3000:]
    engine.docker("system", "prune", "--force")
    return TAG


def build(
    engine: Engine, programs: str, *results: tuple[str, ...], archive: str = ""
) -> subprocess.CompletedProcess:
    """Run `docker build`, with the programs from an address, for each of `results`.

    They are more options of it. Programs and pods' image are those of the `archive`, if
    an address of one is named. Return the last run, or the first that failed.
    """
    named = ["--build-arg", f"LAB_BUNDLE={archive}"] if archive else []
    base(engine)
    with tempfile.TemporaryDirectory(prefix="build-") as context:
        copy_checkout(Path(context))
        for options in results:
            done = engine.run(
                "build",
                "--file",
                f"{context}/binder/Dockerfile",
                *options,
                "--network",
                "host",
                "--build-arg",
                f"LAB_MIRROR={programs}",
                *named,
                "--build-arg",
                f"REQUESTS_CA_BUNDLE={TRUSTED}",
                # Debian's mirror has the same paths, and answers sooner.
                "--build-arg",
                f"ARCHIVE={MIRROR}",
                context,
                timeout=3000,
            )
            if done.returncode:
                break
    return done


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
    """Copy this checkout to a directory, as git would have it."""
    for name in files():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, directory / name)


@contextmanager
def mirror(engine: Engine) -> Iterator[m.Mirror]:
    """Serve the programs as their projects do, in the network of the engine."""
    binaries, _ = Local().setup(Silent())
    programs = RECIPE.programs()
    runc = find_runc(binaries).path  # not built where the distribution has one
    found = {name: binaries / name for name in programs} | {"runc": runc}
    contents = {name: mapped(path) for name, path in found.items()}
    architecture = releases.ARCHITECTURES[platform.machine()]
    with engine.network(), m.running(engine.home / CERTIFICATES, PORT) as served:
        for release in releases.published_files(programs):
            served.publish(release.at(architecture, served.base), contents)
        yield served


def publish_archive(engine: Engine, served: m.Mirror) -> str:
    """Hold an archive as `make bundle` writes it; return its path on the mirror."""
    binaries, image = Local().setup(Silent())
    place = engine.home / "archive" / f"{binaries.name}-{image.stem}"
    name = releases.bundle_name()
    if not (place / name).exists():
        shutil.rmtree(place.parent, ignore_errors=True)
        # Quickly: it is read once, on this machine.
        bundle.write(place, Silent(), preset=0)
    for file in place.iterdir():
        served.files[f"/archive/{file.name}"] = mapped(file)
    return f"/archive/{name}"


def mapped(path: Path) -> mmap.mmap:
    """Return the bytes of a file, which are not all read into memory for that."""
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def trusted() -> str:
    """Return the certificates by which packages come here."""
    named = (os.environ.get(name, "") for name in ("REQUESTS_CA_BUNDLE", "PIP_CERT"))
    usual = ssl.get_default_verify_paths().openssl_cafile
    found = (Path(name) for name in (*named, usual, certifi.where()) if name)
    return next(file for file in found if file.is_file()).read_text()


def base(engine: Engine) -> None:
    """Make the base; layers that the engine has are not made again."""
    with tempfile.TemporaryDirectory(prefix="base-") as work:
        if engine.run("image", "inspect", DEBIAN).returncode:
            tar = f"{work}/debian.tar"
            words = ["mmdebstrap", "--quiet", "--variant=minbase", *SLIM]
            words += ["trixie", tar, MIRROR]
            subprocess.run(words, check=True, stdin=subprocess.DEVNULL, timeout=300)
            engine.docker("import", tar, DEBIAN)
            os.remove(tar)
        authority = m.authority(engine.home / CERTIFICATES).read_text()
        files = {
            "sources.list": "",
            "sources.list.d/debian.sources": SOURCES,
            "apt.conf.d/docker-clean": OPTIONS,
            # pip asks the hosts of the packages by the same variable.
            "trusted.pem": trusted() + authority,
        }
        for name, text in files.items():
            file = Path(work, "apt", name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        Path(work, "Dockerfile").write_text(f"FROM {DEBIAN}\nCOPY apt /etc/apt\n")
        engine.docker("build", "--tag", BASE, work)
