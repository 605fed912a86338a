"""Describe the image of every lesson: what is in it and which commands collect that.

Pure: nothing runs here. Packages of this machine's own Debian or Ubuntu are unpacked,
without root and Docker; what their install scripts would have done is written below.
Left out are documentation, locales, perl, apt and dpkg.
"""

import hashlib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from cluster import versions
from cluster.image.archive import Entry, Tree

#: Debian packages; those they depend on come along.
PACKAGES = (
    "bash",
    "dash",
    "coreutils",
    "findutils",
    "grep",
    "sed",
    "mawk",
    "less",
    "tar",
    "gzip",
    "base-files",
    "ncurses-base",
    "libc-bin",
    "curl",
    "jq",
    "openssl",
    "procps",
    "python3",
    # nslookup and friends in 0.8 MB; bind9-host would bring 35 MB of libraries.
    "busybox",
    # A static init of 0.7 MB: PID 1 of the lessons, and all of the pause image.
    "catatonit",
    # Where init-system-helpers asks for usrmerge or this: usrmerge would bring perl.
    "usr-is-merged",
)

#: Names that busybox answers to; whatever a package brings is better and stays.
BUSYBOX = ("clear", "hostname", "ip", "nc", "netstat", "nslookup", "ping", "vi", "wget")

#: Paths that the image leaves out, as patterns; each covers all that is below it.
UNWANTED = (
    "usr/share/doc",
    "usr/share/info",
    "usr/share/man",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/zoneinfo",
    "usr/share/bash-completion",
    "usr/share/common-licenses",
    "usr/share/perl*",
    "usr/share/debconf",
    "usr/lib/*/gconv",
    "usr/lib/*/perl*",
    "usr/lib/systemd",
    "usr/lib/init",
    # A package manager that knows of no package would only mislead.
    "usr/bin/dpkg*",
    "usr/sbin/dpkg*",
    "usr/lib/dpkg",
    "usr/share/dpkg",
    "usr/bin/deb*",
    "usr/lib/apt",
    "etc/dpkg",
    "var/lib/dpkg",
    "var/cache",
    # The mirrors, name and resolver of the machine that built the image.
    "etc/apt",
    "var/lib/apt",
    "etc/hostname",
    "etc/resolv.conf",
    # Made by mmdebstrap only for root; a container gets its own.
    "dev/*",
    "etc/init.d",
    "etc/rc?.d",
    "etc/cron.*",
    "etc/systemd",
    "etc/logrotate.d",
    "usr/bin/localedef",
    "usr/sbin/iconvconfig",
    "usr/sbin/ldconfig*",
    # A link to a program for tape drives, which is not there.
    "etc/rmt",
    "usr/lib/python3.*/test",
    "usr/lib/python3.*/pydoc_data",
    "usr/lib/python3.*/unittest",
    "usr/lib/python3.*/turtle.py",
)

#: Paths that are left out of the Python client: half of it is its asynchronous twin,
#: which nothing else imports, and only it needs these packages.
UNWANTED_CLIENT = (
    "bin",
    "kubernetes/aio",
    "aiohttp*",
    "aiohappyeyeballs*",
    "aiosignal*",
    "attr",
    "attrs*",
    "frozenlist*",
    "multidict*",
    "propcache*",
    "yarl*",
    # Hashes of scripts whose first line is a path of the machine that built this.
    "*.dist-info/RECORD",
)

#: Packages of the client that are put into one zip file: 2500 small files less to
#: unpack. The first pod comes 0.5 s earlier, and an import takes 0.1 s more.
ZIPPED = ("kubernetes", "tzdata")
ZIP = "zipped.zip"

_MANYLINUX = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")

_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}

_LINKS = {
    "usr/bin/sh": "dash",
    "usr/bin/awk": "mawk",
    "usr/bin/which": "which.debianutils",
}

INIT = "/usr/bin/catatonit"
_ENVIRONMENT = (
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG=C.UTF-8",
)

#: `sleep` as PID 1 ignores SIGTERM, and each deletion of a pod would take its whole
#: grace period. A pod that gives no `command`, only `args` or nothing, has the init.
TOOLBOX_CONFIG = {
    "Env": list(_ENVIRONMENT),
    "Entrypoint": [INIT, "--"],
    "Cmd": ["sleep", "infinity"],
}
#: `-P`: wait for SIGTERM, reap what the pod leaves behind, run nothing.
PAUSE_CONFIG = {"Env": [_ENVIRONMENT[0]], "Entrypoint": [INIT, "-P"]}

NAMES = (versions.TOOLBOX_IMAGE,)
PAUSE_NAMES = (versions.PAUSE_IMAGE,)


@dataclass(frozen=True)
class Inputs:
    """The inputs that decide the image's bytes, besides this package's own files."""

    #: name and version of the distribution
    system: str
    architecture: str
    #: the SHA-256 of the program
    kubectl: str
    #: the Python client and then what it needs, as `name==version`
    client: tuple[str, ...]

    def key(self, program: bytes) -> str:
        """Return the image's name in the cache; `program` is the text that builds it.

        Its second part is only of the client. Not covered: the versions of the Debian
        packages, because to ask for them would need the network at each start.
        """
        rest = (self.system, self.architecture, self.kubectl)
        return f"{_digest(repr(rest), program)}-{_digest(repr(self.client))}"


def _digest(text: str, program: bytes = b"") -> str:
    return hashlib.sha256(text.encode() + program).hexdigest()[:16]


def unpack_command(
    suite: str, sources_file: str, options_file: str, target: str
) -> list[str]:
    """Return the command that unpacks the packages into the directory `target`."""
    return [
        "mmdebstrap",
        "--mode=chrootless",
        "--variant=extract",
        # Newer ones refuse root, in fear of package scripts: none is run here.
        "--skip=check/chrootless",
        f"--include={','.join(PACKAGES)}",
        # Packages of Debian 12 still have files in /bin and /lib beside /usr.
        '--setup-hook=for name in bin sbin lib lib64; do mkdir -p "$1/usr/$name"; '
        'ln -s "usr/$name" "$1/$name"; done',
        # As root apt would fetch as another user, who may not enter the cache.
        '--aptopt=APT::Sandbox::User "root"',
        # A file and not arguments: a proxy's password would show in `ps`.
        f"--aptopt={options_file}",
        suite,
        target,
        *([sources_file] if sources_file else []),
    ]


def client_command(
    python: str,
    image_python: str,
    machine: str,
    constraints: str,
    target: str,
    client: str,
) -> list[str]:
    """Return the command that puts the wheels of `client` into `target`."""
    return [
        python,
        "-m",
        "pip",
        "install",
        "--no-input",
        "--disable-pip-version-check",
        "--no-compile",
        "--progress-bar=off",
        "--only-binary=:all:",
        f"--python-version={image_python}",
        *(f"--platform={name}_{machine}" for name in _MANYLINUX),
        "--constraint",
        constraints,
        "--target",
        target,
        client,
    ]


def compile_command(
    loader: str, python: str, directory: str, inside: str, *, beside: bool
) -> list[str]:
    """Return the command by which the image's own Python compiles `directory`.

    Through the image's own loader, because a chroot needs privileges. A first list of
    pods takes 0.5 s with bytecode and 1.5 s without. Unchecked: the time of a source is
    not part of the bytes. `beside` the sources is where a zip file has its bytecode.
    """
    return [
        loader,
        "--library-path",
        str(PurePosixPath(loader).parent),
        python,
        "-s",
        "-S",
        "-m",
        "compileall",
        "-q",
        *(["-b"] if beside else []),
        "--invalidation-mode=unchecked-hash",
        "-s",
        directory,
        "-p",
        inside,
        directory,
    ]


def pick(tree: Tree, unwanted: tuple[str, ...]) -> Tree:
    """Return the entries that no pattern covers, neither themselves nor from above."""
    return {name: entry for name, entry in tree.items() if not covers(name, unwanted)}


def covers(name: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a pattern matches the path or a directory that it is in."""
    parts = name.split("/")
    return any(
        len(pattern_parts := pattern.split("/")) <= len(parts)
        and all(map(fnmatchcase, parts, pattern_parts))
        for pattern in patterns
    )


def layers(
    base: Tree, client: Tree, zipped: Path, kubectl: Path, packages: str
) -> list[Tree]:
    """Return the layers, the lowest first, which alone is the pause image."""
    base = base | _additions(base, packages)
    init = INIT.removeprefix("/")
    return [
        {init: base.pop(init)},
        base,
        {
            **pick(client, tuple(f"{packages}/{name}" for name in UNWANTED_CLIENT)),
            f"{packages}/{ZIP}": Entry(0o644, source=zipped),
            # Python adds the lines of such a file to the places it imports from.
            f"{packages}/zipped.pth": Entry(
                0o644, content=f"/{packages}/{ZIP}\n".encode()
            ),
        },
        {"usr/local/bin/kubectl": Entry(source=kubectl)},
    ]


def _additions(tree: Tree, packages: str) -> Tree:
    """Return what the packages' install scripts would have made beside `tree`."""
    links = {f"usr/bin/{name}": "busybox" for name in BUSYBOX} | _LINKS
    entries = {
        name: Entry(0o644, content=text.encode()) for name, text in _FILES.items()
    }
    entries |= {
        name: Entry(target=to) for name, to in links.items() if name not in tree
    }
    entries["etc/ssl/certs/ca-certificates.crt"] = Entry(
        target=f"/{packages}/certifi/cacert.pem"
    )
    # Modes that a scan does not keep.
    return entries | {
        "tmp": Entry(0o1777),
        "var/tmp": Entry(0o1777),
        "root": Entry(0o700),
    }
