"""Ask which container engine answers, and have it fetch Debian's packages.

For a Linux without mmdebstrap: a container of Debian installs it and runs it, so that
the image is made of the same files as on Debian. The engine keeps only Debian's image.
"""

import subprocess
import tarfile
from pathlib import Path

from cluster import packages, versions
from cluster.image import toolbox
from cluster.language import mark, say

#: in kind's own order of search
PROGRAMS = ("docker", "podman")
#: words that ask whether the engine really answers, and for its version
VERSION = {
    "docker": ("version", "--format", "{{.Server.Version}}"),
    # `podman version` talks only of the client.
    "podman": ("info", "--format", "{{.Version.Version}}"),
}
#: seconds for a look; a daemon that hangs is none
LOOK = 5.0
#: path in the container: options of apt for a proxy or a frozen mirror
_OPTIONS = "/tmp/apt.conf"
#: The output is only the tar file, so apt writes to standard error. The arguments are
#: the command of mmdebstrap.
_SCRIPT = f"""\
set -eu
apt-get update -q >&2
apt-get install -qy --no-install-recommends mmdebstrap >&2
apt-config dump | grep -E '^Acquire::(https?|Check-|Retries)' >{_OPTIONS} || :
exec "$@"
"""


def find() -> str:
    """Return the name of the first engine that answers, or ""."""
    return next((name for name in PROGRAMS if version(name)[0]), "")


def version(program: str) -> tuple[str, str]:
    """Return the version of an engine that answers, or "" and its complaint."""
    answer = ask(program, *VERSION[program])
    return "" if answer.returncode else answer.stdout.strip(), answer.stderr


def ask(
    program: str, *arguments: str, timeout: float | None = None
) -> subprocess.CompletedProcess:
    """Run an engine's command line; -1 and a reason if it cannot run, or is late."""
    seconds = timeout or LOOK
    try:
        return subprocess.run(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
    except OSError as error:
        reason = f"{program}: {error.strerror}"
    except subprocess.TimeoutExpired:
        reason = say("no answer in {seconds} s", seconds=f"{seconds:.0f}")
    return subprocess.CompletedProcess(arguments, -1, "", reason)


def way_out() -> str:
    """Return how the image can be made on a machine that lacks what makes it."""
    run = packages.command("mmdebstrap")
    start = mark("Start Docker or Podman.")
    text = mark("{command}, or start Docker or Podman.")
    return say(text, command=run) if run else say(start)


def command(program: str, architecture: str) -> list[str]:
    """Return the command that prints the packages of the image as a tar file; pure."""
    _, _, tag = versions.DEBIAN.rpartition(":")
    fetch = toolbox.unpack_command(tag.partition("-")[0], "", _OPTIONS, "-")
    # An engine may be set to another machine's.
    platform = f"--platform=linux/{architecture}"
    start = [program, "run", "--rm", platform, versions.DEBIAN]
    return [*start, "sh", "-c", _SCRIPT, "sh", *fetch]


def unpack(packed: Path, root: Path) -> None:
    """Unpack the packages; devices are left out, which only root can make."""
    with tarfile.open(packed) as tar:
        # Early releases of Python 3.11 have no filters, and take no notice.
        tar.extraction_filter = getattr(tarfile, "tar_filter", None)
        tar.extractall(root, [member for member in tar if not member.isdev()])
