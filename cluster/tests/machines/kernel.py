"""Build Ubuntu's kernel as user-mode Linux, once; only root can.

No release of Ubuntu has it as a package. Its source and the compiler are packages of
the newest release, installed in a directory: this machine needs nothing more for it.

PYTEST_DONT_REWRITE: tests read the messages of its assertions as they stand.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from cluster.progress import Progress
from cluster.tests.machines.install import APART, install, machines, require_room
from cluster.tests.machines.systems import NEWEST
from cluster.tests.slowness import scaled
from cluster.usermode import launcher
from cluster.waiting import poll

CONFIG = Path(__file__).with_name("kernel.config")
#: of 26.04, and of 24.04 since its fifth point release
SOURCE = "linux-source-7.0.0"
TOOLS = ("bc", "bison", "bzip2", "flex", "gcc", "libc6-dev", "make", SOURCE)
#: bytes: the compiler, the source and what is compiled of it
SIZE = 4e9
#: seconds: a machine that becomes busy meanwhile takes ten times as long
COMPILED = 4 * 3600.0
#: Runs a line in the tools' root, where nothing is left of an interrupted one in /tmp.
ENTER = """
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/tmp"
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
    "$(command -v chroot)" "$1" sh -euc "$2"
"""
#: Leaves out what is large and of other machines.
UNPACK = f"""
[ ! -e /linux ] || exit 0
rm -rf /linux.part
mkdir /linux.part
tar -xjf /usr/src/{SOURCE}/{SOURCE}.tar.bz2 -C /linux.part --strip-components=1 \
    --exclude='*/drivers/gpu/drm/amd/include' --exclude='*/tools/testing'
mv /linux.part /linux
"""
CONFIGURE = """
cd /linux
make -s ARCH=um x86_64_defconfig
cat /kernel.config >>.config
make -s ARCH=um olddefconfig
lacking=$(grep -v '^#' /kernel.config | grep . | grep -vxFf .config || true)
[ -z "$lacking" ] || { echo "not in this kernel:" $lacking; exit 1; }
"""
#: Goes on with what an interrupted one has compiled.
COMPILE = "make -C /linux ARCH=um -j{} linux"
#: The kernel runs with the C library that it was linked with.
TAKE = f"""
rm -rf /made
mkdir /made
cp /linux/linux /made/linux.uml
for library in $(ldd /linux/linux | grep -o '/[^ ]*'); do
    mkdir -p "/made$(dirname "$library")"
    cp -L "$library" "/made$library"
done
dpkg-query --show --showformat '${{Version}}\\n' {SOURCE} >/made/version
"""


def key() -> str:
    """Return what names the kernel: another recipe is another one."""
    steps = (UNPACK, CONFIGURE, COMPILE, TAKE)
    recipe = (*steps, *TOOLS, CONFIG.read_text(), *NEWEST.mirrors)
    return hashlib.sha256("\0".join(recipe).encode()).hexdigest()[:16]


def ensure(progress: Progress) -> Path:
    """Return a directory with `linux.uml`, the libraries it needs, and its `version`.

    Making it takes a quarter of an hour. What an interrupted run has made is kept, and
    the next goes on from there. Raise AssertionError.
    """
    kernels = machines() / "kernel"
    kernels.mkdir(parents=True, exist_ok=True)
    with open(kernels / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = kernels / key()
        if made.exists():
            return made
        work = made.with_suffix(".part")
        for older in kernels.iterdir():
            if older.is_dir() and older != work:
                shutil.rmtree(older)
        tools = work / "tools"
        if not tools.exists():
            require_room(SIZE, "Ubuntu's kernel")
            _install_tools(work, tools, progress)
        shutil.copy(CONFIG, tools)
        _build(tools, work / "log", progress)
        os.replace(tools / "made", made)
        shutil.rmtree(work)
        return made


def _install_tools(work: Path, tools: Path, progress: Progress) -> None:
    began = time.monotonic()
    progress.update(f"installing {NEWEST}'s compiler and {SOURCE}, some minutes")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    include = f"--include={','.join(TOOLS)}"
    install(NEWEST, work / "half", "--variant=apt", include)
    os.replace(work / "half", tools)
    took = time.monotonic() - began
    progress.finish(f"installed {NEWEST}'s compiler and {SOURCE}: {took:.0f} s")


def _build(tools: Path, log: Path, progress: Progress) -> None:
    began = time.monotonic()
    compile_all = COMPILE.format(len(os.sched_getaffinity(0)))
    for line, words in (
        (UNPACK, f"unpacking {SOURCE}"),
        (CONFIGURE, "configuring Ubuntu's kernel"),
        (compile_all, "compiling Ubuntu's kernel, a quarter of an hour"),
        (TAKE, "taking the kernel"),
    ):
        _enter(tools, line, log, words, progress)
    version = (tools / "made/version").read_text().strip()
    took = time.monotonic() - began
    progress.finish(f"built Ubuntu's kernel {version}: {took:.0f} s")


def _enter(tools: Path, line: str, log: Path, words: str, progress: Progress) -> None:
    """Run a shell's line in the tools' root; raise AssertionError."""

    def tell() -> None:
        hundreds = log.read_bytes().count(b"\n  CC ") // 100
        more = f": {hundreds}00 files so far" if hundreds else ""
        progress.update(f"{words}{more}")

    patience = scaled(COMPILED)
    with open(log, "wb") as output:
        child = launcher.start(
            [*APART, "sh", "-euc", ENTER, "sh", str(tools), line],
            signal.SIGKILL,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            close_fds=True,
        )
    try:
        done = poll(
            lambda: launcher.has_ended(child), patience, on_miss=tell, pause=1.0
        )
    finally:
        # With it all that runs in there ends.
        child.kill()
        child.wait()
    assert done, f"{words}: not done after {patience:.0f} s. Run it again: it goes on."
    said = log.read_text("utf-8", "replace")
    assert child.returncode == 0, f"{words}: {child.returncode}\n{said[-3000:]}"
