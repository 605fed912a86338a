"""Run a learner's commands on a Debian that has Python and nothing else; only root can.

`bareroot.py ROOT DIST -- COMMAND...` runs the command as an ordinary user, with `ROOT`
as its root directory, no network, and on 127.0.0.1 a server that holds the files of
`DIST` as a release does. All that is started ends with it. The root is the one of a
mount namespace, not a chroot, from which nobody may make namespaces.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from cluster import syscalls as sc  # noqa: E402
from cluster.die_with_parent import die_with_parent  # noqa: E402
from cluster.local import network  # noqa: E402
from cluster.tests import imagebuild, unprivileged  # noqa: E402
from cluster.tests.programs import mirror as m  # noqa: E402

HOME = "/home/learner"
CHECKOUT = f"{HOME}/kubernetes-api-notebooks"
PYTHON = f"{HOME}/.venv/bin/python"
#: where the release is, to the learner
PORT = 8443
BASE = f"https://127.0.0.1:{PORT}"
#: in the root: the packages of this environment, and whom to trust
PACKAGES, AUTHORITY = "/opt/packages", "/opt/ca.pem"
USER = f"learner:x:{unprivileged.UID}:{unprivileged.UID}::{HOME}:/bin/bash\n"
#: of Debian that has a Python of this minor version
SUITES = {(3, 11): "bookworm", (3, 13): "trixie"}


def lacks() -> str:
    """Return why such a root cannot be had here, the reason of a skip, or ""."""
    if os.geteuid() != 0:
        return "only root can make a root directory"
    if sys.version_info[:2] not in SUITES:
        return "Debian has no Python for the packages of this environment"
    if not shutil.which("mmdebstrap"):
        return "mmdebstrap is not installed"
    return ""


def make(root: Path) -> None:
    """Install Debian with python3, and give it a learner with this checkout."""
    command = ["unshare", "--mount", "mmdebstrap", "--quiet", "--mode=root"]
    command += ["--variant=minbase", *imagebuild.SLIM, "--include=python3"]
    command += ['--aptopt=Acquire::Check-Valid-Until "false"']
    command += [SUITES[sys.version_info[:2]], str(root), imagebuild.MIRROR]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=600)
    for name, line in (("passwd", USER), ("group", "learner:x:1000:\n")):
        with open(root / "etc" / name, "a") as file:
            file.write(line)
    checkout = Path(f"{root}{CHECKOUT}")
    for name in imagebuild.files():
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, checkout / name)
    Path(f"{root}{PACKAGES}").mkdir()
    # The packages are those of this environment, as `make setup` would install them.
    made = ["chroot", str(root), "python3", "-m", "venv", "--without-pip"]
    subprocess.run([*made, f"{HOME}/.venv"], check=True)
    [site] = Path(f"{root}{HOME}").glob(".venv/lib/python3.*/site-packages")
    (site / "all.pth").write_text(f"{CHECKOUT}\n{PACKAGES}\n")
    owner = f"{unprivileged.UID}:{unprivileged.UID}"
    subprocess.run(["chown", "-R", owner, f"{root}{HOME}"], check=True)


def run(
    root: Path, dist: Path, script: str, timeout: float
) -> subprocess.CompletedProcess:
    """Run a shell's script there, and return what it did; stdout has both streams."""
    return subprocess.run(
        [sys.executable, __file__, root, dist, "--", "sh", "-euc", script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )


def enter(root: Path) -> None:
    """Make a directory the root of this process, with the devices of the host."""
    packages = next(Path(p) for p in sys.path if p.endswith("site-packages"))
    sc.mount("none", "/", "", sc.MS_REC | sc.MS_PRIVATE)
    sc.mount(str(root), str(root), "", sc.MS_BIND)
    for name in ("dev", "sys"):
        sc.mount(f"/{name}", f"{root}/{name}", "", sc.MS_BIND | sc.MS_REC)
    sc.mount("proc", f"{root}/proc", "proc")
    sc.mount("tmpfs", f"{root}/tmp", "tmpfs", 0, "mode=1777")
    sc.mount(str(packages), f"{root}{PACKAGES}", "", sc.MS_BIND)
    os.chdir(root)
    sc.pivot_root(".", ".")
    sc.unmount(".", sc.MNT_DETACH)
    os.chdir(CHECKOUT)


def _environment() -> dict[str, str]:
    return {
        "HOME": HOME,
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "REQUESTS_CA_BUNDLE": AUTHORITY,
        "PYTHON": PYTHON,
    }


def main() -> None:
    """Prepare, run the command, and end with its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("dist", type=Path)
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    authority = m.authority(given.dist.parent / "certificates")
    shutil.copy(authority, f"{given.root}{AUTHORITY}")
    sc.unshare(sc.CLONE_NEWNS | sc.CLONE_NEWNET | sc.CLONE_NEWPID | sc.CLONE_NEWIPC)
    first = os.fork()
    if first:
        _, status = os.waitpid(first, 0)
        sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)
    die_with_parent(signal.SIGKILL)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        network._set_up(control, "lo")
    ready, tell = os.pipe()
    learner = os.fork()
    if not learner:
        os.read(ready, 1)
        os.umask(0o022)
        enter(given.root)
        unprivileged.become(unprivileged.UID)
        os.execvpe(given.command[0], given.command, _environment())
    with m.running(authority.parent, PORT) as mirror:
        for file in given.dist.iterdir():
            mirror.files[f"/{file.name}"] = imagebuild.mapped(file)
        os.write(tell, b".")
        os._exit(_wait(learner))


def _wait(learner: int) -> int:
    """Return the exit code of a child; reap orphans until then, as PID 1 has to."""
    while True:
        child, status = os.wait()
        if child == learner:
            return os.waitstatus_to_exitcode(status) & 0xFF


if __name__ == "__main__":
    main()
