"""Run a command as an ordinary user, the way learners run it; only root can.

`unprivileged.py --home DIR [--show PATH] [--pass NAME] -- COMMAND...` runs it as uid
1000 with a clean environment, without a terminal and without privileges to gain; with
`--ids` it may gain what `newuidmap` gives instead, with `--hidepid` /proc shows no
process but those that it may trace, with `--powerless` root of its namespaces may do
nothing (`powerless.py`). What it needs may lie below /root, where that user may not go:
in a mount namespace of its own that directory is covered, and only what is needed is
shown in it.
"""

import argparse
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from cluster import syscalls as sc  # noqa: E402
from cluster.die_with_parent import die_with_parent  # noqa: E402
from cluster.tests.powerless import refuse_capabilities  # noqa: E402

UID = 1000
FIRST_SUBID = 300_000


def run(
    command: Iterable[str],
    home: Path,
    *,
    show: Iterable[Path] = (),
    environment: Mapping[str, str] | None = None,
    ids: bool = False,
    powerless: bool = False,
    hidepid: bool = False,
    timeout: float = 600,
) -> subprocess.CompletedProcess:
    """Run `command` that way and return what it did; stdout has both streams.

    `home` is made if it is not there; two calls with one find the same cluster.
    """
    options = ["--home", str(home)]
    for path in show:
        options += ["--show", str(path)]
    for name in environment or {}:
        options += ["--pass", name]
    chosen = {"--ids": ids, "--powerless": powerless, "--hidepid": hidepid}
    options += [option for option, given in chosen.items() if given]
    return subprocess.run(
        [sys.executable, __file__, *options, "--", *command],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )


def show(paths: Iterable[Path]) -> None:
    """Let UID come to `paths`, in this mount namespace only."""
    covered = {}
    for path in sorted({path.resolve() for path in paths}):
        cover = next((each for each in reversed(path.parents) if _closed(each)), None)
        if cover is not None:
            # Opened before it is hidden: from then on only the descriptor leads to it.
            covered.setdefault(cover, []).append((path, os.open(path, os.O_PATH)))
    for cover, shown in covered.items():
        sc.mount("tmpfs", str(cover), "tmpfs", sc.MS_NOSUID | sc.MS_NODEV, "mode=755")
        for path, descriptor in shown:
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                path.mkdir(exist_ok=True)
            else:
                path.touch()
            file = f"/proc/self/fd/{descriptor}"
            sc.mount(file, str(path), "", sc.MS_BIND | sc.MS_REC)
            os.close(descriptor)


def _closed(directory: Path) -> bool:
    found = directory.stat()
    return not found.st_mode >> (6 if found.st_uid == UID else 0) & 0o1


def grant_ids(uid: int) -> None:
    """Let `uid` map 65536 ids, in this mount namespace only."""
    for name in ("/etc/subuid", "/etc/subgid"):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(f"{uid}:{FIRST_SUBID}:65536\n")
            file.flush()
            os.chmod(file.name, 0o644)
            sc.mount(file.name, name, "", sc.MS_BIND)


def become(uid: int, powerless: bool = False) -> None:
    """Be `uid` from now on, for good and without a terminal."""
    os.setgroups([])
    if powerless:
        # The filter refuses that call; and later, only `no_new_privs` allows one.
        refuse_capabilities()
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    os.setsid()


def login(home: Path, passed: Iterable[str]) -> dict[str, str]:
    """Return the environment of somebody who just logged in, and what is passed on."""
    return {name: os.environ[name] for name in passed if name in os.environ} | {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": f"{Path(sys.prefix, 'bin')}:/usr/local/bin:/usr/bin:/bin",
        # The checkout is not this user's.
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def main() -> None:
    """Prepare and become the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--show", type=Path, action="append", default=[])
    parser.add_argument("--pass", dest="passed", action="append", default=[])
    parser.add_argument("--ids", action="store_true")
    parser.add_argument("--powerless", action="store_true")
    parser.add_argument("--hidepid", action="store_true")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("only root can become another user")
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)
    needed = [ROOT, Path(sys.prefix), Path(sys.base_prefix), given.home, *given.show]
    sc.unshare(sc.CLONE_NEWNS)
    sc.mount("none", "/", "", sc.MS_REC | sc.MS_PRIVATE)
    os.umask(0o022)
    given.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chown(given.home, UID, UID)
    show(needed)
    if given.ids:
        grant_ids(UID)
    if given.hidepid:
        sc.mount("proc", "/proc", "proc", 0, "hidepid=2")
    become(UID, given.powerless)
    # Not before: it is forgotten when the user changes.
    die_with_parent(signal.SIGKILL)
    wall = [] if given.ids else ["setpriv", "--no-new-privs"]
    command = [*wall, *given.command]
    os.execvpe(command[0], command, login(given.home, given.passed))


if __name__ == "__main__":
    main()
