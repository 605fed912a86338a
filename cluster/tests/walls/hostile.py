"""Try everything that could lead out of the machine; print what each attempt got.

Runs in a pod, with the standard library alone: `python3 - WORLD < hostile.py`. WORLD is
JSON of what there is on the host and may not be reached (`Cluster.world`). Printed is
JSON: how many attempts each row made, and what they got. `node`, in WORLD, makes it
leave the container first for the namespaces of PID 1; `rows` names other rows.
"""

import contextlib
import ctypes
import errno
import json
import os
import re
import resource
import signal
import socket
import stat
import struct
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
#: numbers of system calls, the same on all machines since they are newer than that
PIDFD_OPEN, PIDFD_GETFD = 434, 438
#: of x86-64 and of all newer machines
KEYCTL, INIT_MODULE = (250, 175) if os.uname().machine == "x86_64" else (219, 105)
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MNT_DETACH = 1, 32, 4096, 16384, 2
#: flags of clone(2); those of the last five are consecutive bits
NAMESPACES = {"mnt": 1 << 17, "cgroup": 1 << 25} | {
    kind: 1 << 26 + n for n, kind in enumerate(("uts", "ipc", "user", "pid", "net"))
}
NS_GET_USERNS, NS_GET_PARENT, SIOCGSKNS = 0xB701, 0xB702, 0x894C
#: seconds that one row may take, where WORLD has no others
ROW_TIMEOUT = 60
#: file systems without files of anybody's: those of the kernel
OF_THE_KERNEL = {"proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue"}
#: file systems that may be mounted anew: each shows its mounter's namespaces alone
HARMLESS = {*OF_THE_KERNEL, "tmpfs", "ramfs", "overlay", "fuse", "bpf", "binfmt_misc"}
#: settings of the kernel that each network, IPC or user namespace has for itself
NAMESPACED = (
    "net/",
    "user/",
    "fs/mqueue/",
    "kernel/msg",
    "kernel/sem",
    "kernel/shm",
    "kernel/auto_msgmni",
    "kernel/hostname",
    "kernel/domainname",
    # Only of the caller, or of its PID namespace.
    "kernel/ns_last_pid",
    "kernel/pid_max",
    "kernel/cap_last_cap",
)


#: as a node in user-mode Linux sees its host, and whoever knows names
HOST, NAMES = "10.0.2.2", "10.0.2.3"
#: asks for the address of `example.com`
QUESTION = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\x07example\3com\0\0\1\0\1"


class Row:
    """The gains of one row; `tried` counts the attempts."""

    def __init__(self, world: dict) -> None:
        self.world = world
        self.tried = 0
        self.got: set[str] = set()

    @contextlib.contextmanager
    def attempt(self):
        """Count the block as an attempt, which an OSError ends."""
        self.tried += 1
        with contextlib.suppress(OSError):
            yield

    def take(self, what: str, function, *arguments) -> None:
        """Call a function as an attempt to get something."""
        with self.attempt():
            function(*arguments)
            self.got.add(what)

    def private(self, found: os.stat_result) -> str | None:
        """Return which of the learner's files this is, by its inode, or None."""
        return self.world["private"].get(f"{found.st_dev}:{found.st_ino}")

    def look(self, path: str, how: str = "") -> None:
        """Follow a path; it may not end at a file of the learner's."""
        with self.attempt():
            if name := self.private(os.stat(path)):
                self.got.add(f"{name} {how}")

    def search(self, top: str, how: str = "") -> None:
        """Look at every file in sight below a directory."""
        for _, found in walk(top, self.world["skip"]):
            self.tried += 1
            if name := self.private(found):
                self.got.add(f"{name} {how}")


def call(function, *arguments) -> int:
    """Call a function of libc; raise OSError."""
    ctypes.set_errno(0)
    result = function(*(_c(each) for each in arguments))
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _c(value):
    if isinstance(value, str):
        return value.encode()
    return ctypes.c_long(value) if isinstance(value, int) else value


def mount(source, target, kind, flags=0, data=None) -> None:
    call(LIBC.mount, source, target, kind, flags, data)


def mounts() -> list[tuple[str, str, set[str], str]]:
    """Return the id, mount point, options and type of every mount in sight."""
    found = []
    for line in open("/proc/self/mountinfo"):
        words = line.split()
        # Not by a codec: in the node Python's files may be out of sight.
        point = re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), words[4])
        kind = words[words.index("-") + 1]
        found.append((words[0], point, {*words[5].split(",")}, kind))
    return found


def pids() -> list[int]:
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


def walk(top: str, skip: list[str]):
    """Yield every path below `top` that is a file of somebody's, and its lstat.

    Of the directories in `skip`, which are the system's, nothing but themselves.
    """
    kernel = set()
    with contextlib.suppress(OSError):  # /proc itself may have been taken away
        kernel = {os.stat(p).st_dev for _, p, _, kind in mounts() if _reach(p, kind)}
    for directory, names, files in os.walk(top):
        if directory.removeprefix(top.rstrip("/")) in skip:
            names[:], files = [], []
        for name in (*names, *files):
            path = os.path.join(directory, name)
            with contextlib.suppress(OSError):
                found = os.lstat(path)
                if found.st_dev in kernel:
                    names[:] = [each for each in names if each != name]
                else:
                    yield path, found


def _reach(point: str, kind: str) -> bool:
    return kind in OF_THE_KERNEL and os.path.exists(point)


def namespaces(row: Row) -> None:
    """Join or hold a namespace of the host's."""
    host = row.world["namespaces"]
    for pid in pids():
        for kind in NAMESPACES:
            with row.attempt():
                descriptor = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
                if os.fstat(descriptor).st_ino == host[kind]:
                    row.got.add(f"the {kind} namespace")
                for question in (NS_GET_USERNS, NS_GET_PARENT):
                    with row.attempt():
                        above = call(LIBC.ioctl, descriptor, question)
                        if os.fstat(above).st_ino in host.values():
                            row.got.add(f"what is above a {kind} namespace")
                        os.close(above)
                os.close(descriptor)


def processes(row: Row) -> None:
    """Find a file of the learner's by a process: its root, directory or program."""
    for pid in pids():
        for link in ("root", "cwd", "exe", "root/..", "cwd/.."):
            row.look(f"/proc/{pid}/{link}", f"as {link} of a process")
        for path in row.world["paths"]:
            row.look(f"/proc/{pid}/root{path}", "below the root of a process")


def files(row: Row) -> None:
    """Find a file of the learner's, wherever it is shown and whatever its name."""
    row.search(row.world["top"])
    for path in row.world["paths"]:
        row.look(f"{row.world['top']}/{path}")


def above(row: Row) -> None:
    """Climb out of the root: by `..` from outside of it, or by the handle of a file."""
    handle = bytes.fromhex(row.world["handle"])
    wanted = struct.pack("Ii", len(handle), row.world["handle_type"]) + handle
    for place in {"/", row.world["top"], "/proc/1/root"}:
        with row.attempt():
            shown = os.open(f"{place}/run/lab/state/etc", os.O_RDONLY)
            call(LIBC.open_by_handle_at, shown, wanted, os.O_PATH)
            row.got.add("the diary by its handle")
    with row.attempt():
        os.chdir("/")
        os.chroot("/tmp")
        row.look("/".join([".."] * 20), "above the root")


def uncovered(row: Row) -> None:
    """Take mounts away and look at what they covered; or show all but what is below."""
    with row.attempt():
        call(LIBC.unshare, NAMESPACES["mnt"])
    with row.attempt():
        mount("/", "/tmp", None, MS_BIND)
        row.search("/tmp", "below a mount")
    for _, point, _, _ in reversed(mounts()):
        with row.attempt():
            call(LIBC.umount2, point, MNT_DETACH)
            row.look(point, "under a mount")
            row.look(f"{point}/..", "under a mount")
            row.search(point, "under a mount")


def programs(row: Row) -> None:
    """Change a program that the host runs, also after a remount."""
    with row.attempt():
        call(LIBC.unshare, NAMESPACES["mnt"])
    for _, point, options, kind in mounts():
        if "ro" in options and kind not in OF_THE_KERNEL:
            keep = [(2, "nosuid"), (4, "nodev"), (8, "noexec"), (1024, "noatime")]
            flags = sum(flag for flag, name in keep if name in options)
            flags |= 0x200000 if "relatime" in options else 0
            with row.attempt():
                mount("none", point, None, MS_REMOUNT | MS_BIND | flags, None)
    for path in row.world["inside"]:
        for top in (row.world["top"], "/proc/1/root"):
            with row.attempt():
                found = os.stat(f"{top}{path}")
                name = row.world["programs"].get(f"{found.st_dev}:{found.st_ino}")
                if name and _can_be_changed(f"{top}{path}"):
                    row.got.add(name)


def _open(path: str, flags: int = os.O_RDONLY | os.O_NONBLOCK) -> None:
    os.close(os.open(path, flags))


def _can_be_changed(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW))
    except OSError as error:
        # A running program; the kernel checks for that before the mount.
        if error.errno != errno.ETXTBSY or os.statvfs(path).f_flag & os.ST_RDONLY:
            raise
    return True


def writes(row: Row) -> None:
    """Write wherever that is possible; got are the mounts where it was."""
    top = row.world["top"]
    points = sorted((point for _, point, _, _ in mounts()), key=len)
    for path, found in walk(top, row.world["skip"]):
        with row.attempt():
            if stat.S_ISDIR(found.st_mode):
                mark = os.path.join(path, row.world["mark"])
                os.close(os.open(mark, os.O_CREAT | os.O_WRONLY, 0o4755))
            elif stat.S_ISREG(found.st_mode):
                _can_be_changed(path)
            else:
                continue
            within = [p for p in points if f"{path}/".startswith(f"{p.rstrip('/')}/")]
            if within:
                row.got.add(within[-1].removeprefix(top.rstrip("/")) or "/")


def fresh_proc(row: Row) -> None:
    """Change a setting of the host's kernel in a new /proc of one's own."""
    proc = _in_new_namespaces(row, "proc")
    _write_files(row, f"{proc}/sys/", NAMESPACED)
    readable = os.O_RDONLY | os.O_NONBLOCK
    for name in ("sysrq-trigger", "kcore", "kmsg"):
        with row.attempt():
            flags = os.O_WRONLY if name == "sysrq-trigger" else readable
            opened = os.open(f"{proc}/{name}", flags)
            # A runtime covers some of them by /dev/null.
            if os.fstat(opened).st_rdev != os.stat("/dev/null").st_rdev:
                row.got.add(f"to open /proc/{name}")
            os.close(opened)


def fresh_sysfs(row: Row) -> None:
    """Change a device of the host's in a new /sys of one's own."""
    sysfs = _in_new_namespaces(row, "sysfs")
    # Devices of the pod's own network namespace do no harm.
    _write_files(row, f"{sysfs}/", ("devices/virtual/net/",))


def _write_files(row: Row, top: str, own: tuple[str, ...]) -> None:
    """Open every file below `top` for writing; below `own` that is harmless."""
    for directory, _, names in os.walk(top):
        for name in names:
            path = os.path.join(directory, name)
            with row.attempt():
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
                if not path.removeprefix(top).startswith(own):
                    row.got.add(f"to write {path}")


def fresh_file_systems(row: Row) -> None:
    """Mount what the kernel offers: debugfs, cgroups with a release agent, the disk."""
    place = _in_new_namespaces(row, None)
    kinds = [line.split()[-1] for line in open("/proc/filesystems")]
    for kind in kinds:
        with row.attempt():
            mount("none", place, kind)
            if kind == "cpuset":
                _cgroups(row, place, kind)
            elif kind not in HARMLESS:
                row.got.add(f"a {kind}")
            call(LIBC.umount2, place, MNT_DETACH)
    with contextlib.suppress(OSError):
        names = [line.split("\t")[0] for line in open("/proc/cgroups")][1:]
        for data in (*names, "none,name=systemd"):
            with row.attempt():
                mount("cgroup", place, "cgroup", 0, data)
                _cgroups(row, place, data)
                call(LIBC.umount2, place, MNT_DETACH)
    with row.attempt():
        mount("cgroup2", place, "cgroup2")
        # With limits a pod is shown what was given to the machine: not the kernel's
        # first, which has no type, nor what systemd has, nor the machine's neighbour.
        beyond = ("app.slice", "init.scope", "outer")
        shown = {*os.listdir(place)}
        if "cgroup.type" not in shown or not shown.isdisjoint(beyond):
            _cgroups(row, place, "version 2")


def _cgroups(row: Row, place: str, which: str) -> None:
    """Try what of the cgroups can be changed."""
    for name in ("release_agent", "cgroup.procs", "tasks", "notify_on_release"):
        row.take(f"to write {name} of {which}", _open, f"{place}/{name}", os.O_WRONLY)


def _in_new_namespaces(row: Row, kind: str | None) -> str:
    """Go on as PID 1 of new namespaces; return where `kind` is mounted, or a tmpfs."""
    place = "/tmp"
    with row.attempt():
        every = sum(NAMESPACES.values()) & ~NAMESPACES["user"]
        call(LIBC.unshare, every)
        child = os.fork()
        if child:
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        signal.alarm(row.world.get("timeout", ROW_TIMEOUT))
        mount("none", "/", None, MS_REC | 1 << 18)
        mount("tmpfs", place, "tmpfs")
        if kind:
            mount(kind, place, kind)
            return place
    # Refused: what is there already is tried.
    return {"proc": "/proc", "sysfs": "/sys"}.get(kind or "", place)


def devices(row: Row) -> None:
    """Open devices of the host's: the disk, memory; those in sight and new ones."""
    usual = {(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2)}
    for path, found in walk(row.world["top"], row.world["skip"]):
        if stat.S_ISBLK(found.st_mode) or stat.S_ISCHR(found.st_mode):
            number = os.major(found.st_rdev), os.minor(found.st_rdev)
            # 136 and up are terminals, here those of pods.
            if number in usual or number[0] in range(136, 144) or not any(number):
                continue
            row.take(f"{path} {number}", _open, path)
    disk = tuple(row.world["disk"])
    wanted = {
        "the disk": disk,
        "memory": (1, 1),
        "the kernel's log": (1, 11),
        "a network device": (10, 200),
        "the console": (5, 1),
    }
    places = {"/tmp", "/dev", f"{row.world['top']}/tmp", f"{row.world['top']}/dev"}
    for name, number in wanted.items():
        kind = stat.S_IFBLK if name == "the disk" else stat.S_IFCHR
        for place in places:
            path = f"{place}/walls-device"
            with row.attempt():
                os.mknod(path, kind | 0o666, os.makedev(*number))
                row.take(name, _open, path)
                os.unlink(path)


def descriptors(row: Row) -> None:
    """Take every descriptor of every process in sight, and see where it leads."""
    host = row.world["namespaces"]["net"]
    for pid in pids():
        with row.attempt():
            process = call(LIBC.syscall, PIDFD_OPEN, pid, 0)
            for number in os.listdir(f"/proc/{pid}/fd"):
                with row.attempt():
                    taken = call(LIBC.syscall, PIDFD_GETFD, process, int(number), 0)
                    _judge(row, taken, host)
                    os.close(taken)
            os.close(process)


def _judge(row: Row, descriptor: int, host_network: int) -> None:
    found = os.fstat(descriptor)
    if name := row.private(found):
        row.got.add(f"{name} as an open file")
    if stat.S_ISDIR(found.st_mode):
        above = "."
        for _ in range(20):
            above += "/.."
            with contextlib.suppress(OSError):
                if name := row.private(os.stat(above, dir_fd=descriptor)):
                    row.got.add(f"{name} above an open directory")
    if stat.S_ISSOCK(found.st_mode):
        try:
            network = call(LIBC.ioctl, descriptor, SIOCGSKNS)
        except PermissionError:
            # In a network that is not of this user namespace.
            network = None
        if network is None or os.fstat(network).st_ino == host_network:
            row.got.add("a socket of the host's network")
        if network is not None:
            os.close(network)


def network(row: Row) -> None:
    """Connect to what listens on the host's loopback, by TCP and by name."""
    port = row.world["port"]
    # Itself, the node, the pods' gateway.
    nodes = [(ip, port) for ip in ("127.0.0.1", "172.30.0.1", "10.244.0.1")]
    for address in (*nodes, f"\0{row.world['mark']}", row.world["socket"]):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        with row.attempt(), socket.socket(family) as client:
            client.settimeout(1)
            client.connect(address)
            row.got.add(f"a connection to {address}")


def ipc(row: Row) -> None:
    """Find shared memory of the learner's by its key."""
    row.take("shared memory", call, LIBC.shmget, row.world["shm"], 0, 0)


def keys(row: Row) -> None:
    """Find a key of the learner's in a keyring."""
    # The keyrings of the thread, process, session, user and the user's session.
    for ring in (-1, -2, -3, -4, -5):
        search = (KEYCTL, 10, ring, "user", row.world["mark"], 0)
        row.take("a key", call, LIBC.syscall, *search)
    # By its number, which any process of the same user may see: read it, or make it
    # readable.
    for line in open("/proc/keys"):
        if row.world["mark"] in line:
            number = int(line.split()[0], 16)
            for command, *more in ((11, b" " * 64, 64), (5, 0x3F3F3F3F)):
                row.take("a key", call, LIBC.syscall, KEYCTL, command, number, *more)


def environment(row: Row) -> None:
    """Find the learner's environment in that of a process, or in PID 1's memory."""
    secret = row.world["secret"].encode()
    for pid in pids():
        with row.attempt(), open(f"/proc/{pid}/environ", "rb") as file:
            if secret in file.read():
                row.got.add("the environment of a process")
    with row.attempt():
        mapped = open("/proc/1/maps").read().splitlines()
        with open("/proc/1/mem", "rb", 0) as memory:
            for line in mapped:
                span, rights, *_ = line.split()
                begin, end = (int(part, 16) for part in span.split("-"))
                if rights.startswith("rw"):
                    with row.attempt():
                        memory.seek(begin)
                        if secret in memory.read(min(end - begin, 1 << 26)):
                            row.got.add("the memory of PID 1")


def kernel(row: Row) -> None:
    """Do what only the host's root may: to its kernel, or more than a user's share."""
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    load = (LIBC.syscall, INIT_MODULE, b"nothing", 7, b"")
    real_time = (0, os.SCHED_FIFO, os.sched_param(1))
    # Each with the error that says: allowed, and the argument is wrong.
    for name, allowed, function, *arguments in (
        ("to load a module", errno.ENOEXEC, call, *load),
        ("to add swap", errno.ENOENT, call, LIBC.swapon, "/nonexistent", 0),
        ("the kernel's log", None, call, LIBC.klogctl, 9, None, 0),
        ("to go first", None, os.setpriority, os.PRIO_PROCESS, 0, -20),
        ("to run in real time", None, os.sched_setscheduler, *real_time),
        ("not to be killed for memory", None, _write, "/proc/self/oom_score_adj"),
        ("more files", None, _limit, files + 1),
    ):
        with row.attempt():
            try:
                function(*arguments)
            except OSError as error:
                if error.errno != allowed:
                    raise
            row.got.add(name)


def _write(path: str) -> None:
    with open(path, "wb", 0) as file:
        file.write(b"-1000")


def _limit(files: int) -> None:
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    except ValueError as error:
        raise PermissionError(errno.EPERM, str(error)) from error


def its_host(row: Row) -> None:
    """Have the kernel of a node, a process of its host, reach what is there."""
    top, world = "/mnt/host", row.world
    os.makedirs(top, exist_ok=True)
    diary, state = top + world["paths"][0], top + world["state"]
    home, own = os.path.dirname(diary), f"{state}/guest/etc"
    memory, images = "/tmp/walls-memory", "/tmp/walls-images"
    connect, net = socket.create_connection, "/proc/1/ns/net"
    os.mknod(memory, 0o20600, os.makedev(1, 1))
    os.mknod(images, 0o60600, os.makedev(98, 16))
    for name, attempt in {
        "the host's files": lambda: mount("none", top, "hostfs", 0, "/"),
        "programs": lambda: os.listdir(f"{top}/usr"),
        "its own directory": lambda: open(f"{own}/mark", "w").close(),
        "to read": lambda: open(diary).read(),
        "to list": lambda: os.listdir(home),
        "to write": lambda: open(diary, "a").close(),
        "to make": lambda: open(f"{home}/made", "w").close(),
        "to make a directory": lambda: os.mkdir(f"{home}/made"),
        "to truncate": lambda: os.truncate(diary, 0),
        "to move away": lambda: os.rename(diary, f"{own}/moved"),
        "to link": lambda: os.link(diary, f"{own}/linked"),
        "to remove": lambda: os.unlink(diary),
        "the keys": lambda: open(f"{state}/pki/ca.key").read(),
        "the plan": lambda: open(f"{state}/run/node.json", "a").close(),
        "the disk of all": lambda: _open(f"{state}/run/disk", os.O_RDWR),
        "environments": lambda: open(f"{top}/proc/self/environ").read(),
        # Success may be pretended here; the test looks at the file itself.
        "(mode)": lambda: [os.chmod(path, 0o777) for path in (home, diary)],
        "(owner)": lambda: os.chown(diary, 1, 1),
        "(time)": lambda: os.utime(diary, (1, 1)),
        "to leave the files": lambda: call(LIBC.umount2, top, MNT_DETACH),
        "the node's network": lambda: call(LIBC.setns, os.open(net, os.O_RDONLY), 0),
        "the API server": lambda: connect((HOST, world["api"]), 10),
        "the host's loopback": lambda: connect((HOST, world["port"]), 10),
        "UDP": _ask_a_name,
        "memory": lambda: _open(memory, os.O_RDWR),
        "to read the images": lambda: _open(images),
        "to write to the images": lambda: _write_again(images),
    }.items():
        row.take(name, attempt)


def _ask_a_name() -> None:
    """Ask for a name; where nobody answers that says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(3)
        client.sendto(QUESTION, (NAMES, 53))
        client.recv(512)


def _write_again(device: str) -> None:
    """Write what is there: it is everybody's."""
    descriptor = os.open(device, os.O_RDWR)
    os.pwrite(descriptor, os.pread(descriptor, 4096, 0), 0)
    os.fsync(descriptor)


def clean(row: Row) -> None:
    """Remove the marks that `writes` left."""
    for path, _ in [*walk(row.world["top"], row.world["skip"])]:
        if os.path.basename(path) == row.world["mark"]:
            with row.attempt():
                os.unlink(path)


ROWS = {
    "namespaces of the host": namespaces,
    "the learner's files: by a process": processes,
    "the learner's files: in sight": files,
    "the learner's files: above the root": above,
    "the learner's files: under a mount": uncovered,
    "programs that the host runs": programs,
    "writes": writes,
    "settings of the kernel": fresh_proc,
    "devices in /sys": fresh_sysfs,
    "file systems": fresh_file_systems,
    "devices": devices,
    "open files and sockets of others": descriptors,
    "the host's network": network,
    "shared memory": ipc,
    "keys": keys,
    "the learner's environment": environment,
    "the kernel": kernel,
}
#: where the kernel of the node is not that of the host; and after `writes`
OTHERS = {"the host of its kernel": its_host, "clean": clean}


def enter() -> None:
    """Leave the container for the namespaces of the node; raise OSError.

    Those of PID 1, or of the first component that lets itself be looked at.
    """
    for pid in pids():
        try:
            held = [
                (os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY), flag)
                for kind, flag in NAMESPACES.items()
                # setns(2) refuses the user namespace that the caller is in.
                if kind != "user"
            ]
        except PermissionError:
            continue
        # From the new root on, nothing that is open here can be found by its path.
        last = NAMESPACES["mnt"]
        for descriptor, flag in sorted(held, key=lambda pair: pair[1] == last):
            call(LIBC.setns, descriptor, flag)
            os.close(descriptor)
        return os.chdir("/")
    raise PermissionError(errno.EPERM, "no process lets itself be looked at")


def run(name: str, world: dict) -> dict:
    """Run one row in a process of its own: some change where they are."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        signal.alarm(world.get("timeout", ROW_TIMEOUT))
        row = Row(world)
        (ROWS | OTHERS)[name](row)
        found = {"tried": row.tried, "got": sorted(row.got)}
        os.write(writer, json.dumps(found).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answers:
        said = answers.read()
    os.waitpid(child, 0)
    return json.loads(said or b'{"tried": 0, "got": ["it did not end"]}')


def main() -> None:
    world = json.loads(sys.argv[1])
    if world.get("node"):
        enter()
        if os.fork():
            os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
    print(json.dumps({name: run(name, world) for name in world.get("rows", ROWS)}))


if __name__ == "__main__":
    main()
