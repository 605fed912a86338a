"""Try the edits of the API server for browsers on a Kubernetes, without a build.

    python -m tools.upcoming                 # the newest, a pre-release, too
    python -m tools.upcoming v1.38.0-beta.0

It downloads the sources of the modules that are edited, and of Go's library, of the
versions that Kubernetes requires, and names each edit that does not apply. Whether all
of it compiles, a build says: `make follow`.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from zipfile import ZipFile

import click

from cluster import errors, versions
from cluster.programs import golang
from cluster.versions import parse
from tab import build, edits
from tools.locks import KUBERNETES, REQUIRED, go, module, staging_version


def newest() -> str:
    """Return the newest version of Kubernetes, which may be a pre-release."""
    listed = go("list", "-m", "-versions", KUBERNETES).split()[1:]
    return max([*listed, versions.KUBERNETES], key=parse)


def modules_of(
    mod: str, version: str, files: Iterable[str], own: str = ""
) -> dict[str, str]:
    """Return the modules that have these files, with their versions; pure.

    `mod` is the go.mod of Kubernetes, and `own` that of the program, for the modules
    that Kubernetes has not. Files of Go's own library have no module.
    """
    required = dict(REQUIRED.findall(own)) | dict(REQUIRED.findall(mod))
    staging = re.findall(r"^\t(\S+) => \./staging", mod, re.M)
    required |= dict.fromkeys(staging, staging_version(version))
    required[KUBERNETES] = version
    owners = {
        max((name for name in required if file.startswith(f"{name}/")), key=len)
        for file in files
        if "." in file.partition("/")[0]
    }
    return {name: required[name] for name in sorted(owners)}


def fetch_archive(go: golang.Go, name: str, version: str) -> Path:
    """Download a module, and return its archive; raise ClickException.

    Go unpacks none that asks for a newer Go, as a pre-release often does.
    """
    command = (go.path, "mod", "download", "-json", f"{name}@{version}")
    done = subprocess.run(
        command, cwd="/", env=golang.environment(), capture_output=True, text=True
    )
    answer = json.loads(done.stdout or "{}")
    if "Zip" not in answer:
        raise click.ClickException(answer.get("Error") or done.stderr.strip())
    return Path(answer["Zip"])


def unpack(archive: Path, files: Iterable[str], vendor: Path) -> None:
    """Write the files that the archive of a module has into vendor/."""
    with ZipFile(archive) as module_zip:
        for entry in module_zip.namelist():
            # name@version/path; a name can have an @ in no other place.
            file = re.sub("@[^/]*", "", entry, count=1)
            if file in files:
                (vendor / file).parent.mkdir(parents=True, exist_ok=True)
                (vendor / file).write_bytes(module_zip.read(entry))


def library_for(go: golang.Go, mod: str) -> Path:
    """Return src/ of the Go that a go.mod asks for: of the one here, if that is enough.

    A newer one is downloaded as a module. Raise ClickException if it cannot be had.
    """
    asked = re.search(r"^go (\S+)$", mod, re.M)
    wanted = f"go{asked[1]}" if asked else go.version
    if parse(wanted) <= parse(go.version):
        wanted = go.version
    done = subprocess.run(
        (go.path, "env", "GOROOT"),
        cwd="/",
        env=golang.environment() | {"GOTOOLCHAIN": wanted},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise click.ClickException(done.stderr.strip())
    return Path(done.stdout.strip(), "src")


def check(kubernetes: str) -> None:
    """Raise LabError with each edit that does not apply to a Kubernetes."""
    mod = Path(module(KUBERNETES, kubernetes)["GoMod"]).read_text("utf-8")
    own = (build.SOURCES / "go.mod").read_text("utf-8")
    neighbors = (str(Path(name).with_name(other)) for name, other in edits.SAME.items())
    files = {*edits.edits_for(kubernetes), *neighbors}
    found = golang.find()
    assert found  # `module` has asked it
    with tempfile.TemporaryDirectory(prefix="edits-") as place:
        vendor, target = Path(place, "vendor"), Path(place, "changed")
        target.mkdir()
        for name, version in modules_of(mod, kubernetes, files, own).items():
            unpack(fetch_archive(found, name, version), files, vendor)
        edits.overlay(Path(place), library_for(found, mod), target, kubernetes)


@click.command(help="Try the edits of tab/edits.toml on a Kubernetes, without a build.")
@click.argument("kubernetes", default="")
def main(kubernetes: str) -> None:
    """Say that every edit applies, or end with those that do not."""
    version = kubernetes or newest()
    try:
        check(version)
    except errors.LabError as error:
        sys.exit(str(error))
    click.echo(f"Every edit of tab/edits.toml applies to Kubernetes {version}.")


if __name__ == "__main__":
    main()
