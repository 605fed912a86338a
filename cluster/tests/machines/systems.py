"""Describe the systems that machines of these tests have; nothing runs here.

Each is a fresh installation: what `make setup` wants is not in it but for make, a C
compiler and python3-venv. Their memory is `MEMORY` in `machine.py`.
"""

from dataclasses import dataclass, replace

from cluster.machine.apparmor import SETTING
from cluster.tests import imagebuild

#: beside those of priority important: systemd, and what a person has who wants to learn
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "systemd-resolved",
    "libpam-systemd",
    "udev",
    "kmod",
    "dbus",
    "dbus-user-session",
    "openssh-server",
    "sudo",
    "apparmor",
    "apparmor-utils",
    "ca-certificates",
    "curl",
    "git",
    "python3-venv",
    "make",
    "gcc",
    "libc6-dev",
)
MASKED = "apt-daily.timer apt-daily-upgrade.timer e2scrub_reap networking"
UBUNTU = "http://archive.ubuntu.com/ubuntu"
#: that of Ubuntu's archive, where Ubuntu has it
KEYRING = "/usr/share/keyrings/ubuntu-archive-keyring.gpg"
#: suites of a release, by the end of their names
POCKETS = ("", "-updates", "-security")


@dataclass(frozen=True)
class System:
    """A release of a distribution, and how it is installed."""

    #: ID and VERSION_ID of its os-release, and what else tells it apart
    name: str
    suite: str
    #: where the packages come from, as mmdebstrap wants it
    mirrors: tuple[str, ...]
    #: what the installed system has, by path
    files: dict[str, str]
    #: units that have nothing to do here, or fail
    masked: str = MASKED
    packages: tuple[str, ...] = PACKAGES
    #: whether its own kernel is built; it is the container image's if not
    own_kernel: bool = False
    #: kernel.apparmor_restrict_unprivileged_unconfined, where that kernel has it
    unconfined: str = ""
    #: the kernel's module that restricts programs, beside their users
    security: str = "apparmor"

    def __str__(self) -> str:
        return self.name


def _ubuntu(version: str, suite: str, unconfined: str) -> System:
    suites = [f"{suite}{pocket}" for pocket in POCKETS]
    sources = f"""\
Types: deb
URIs: {UBUNTU}
Suites: {" ".join(suites)}
Components: main restricted universe multiverse
Signed-By: {KEYRING}
"""
    return System(
        name=f"ubuntu-{version}",
        suite=suite,
        mirrors=tuple(f"deb {UBUNTU} {each} main universe" for each in suites),
        files={
            "etc/apt/sources.list.d/ubuntu.sources": sources,
            "etc/hostname": "ubuntu\n",
            "etc/hosts": "127.0.0.1 localhost\n127.0.1.1 ubuntu\n",
            # As the first user of an Ubuntu, who has a password.
            "etc/sudoers.d/learner": "learner ALL=(ALL) NOPASSWD: ALL\n",
        },
        # There is no console to give colours to.
        masked=f"{MASKED} motd-news.timer setvtrgb",
        packages=(*PACKAGES, "ubuntu-keyring"),
        own_kernel=True,
        unconfined=unconfined,
    )


DEBIAN = System(
    name="debian-13",
    suite="trixie",
    mirrors=(imagebuild.MIRROR,),
    files={
        "etc/apt/sources.list.d/debian.sources": imagebuild.SOURCES,
        "etc/hostname": "debian\n",
        "etc/hosts": "127.0.0.1 localhost\n127.0.1.1 debian\n",
        "etc/modules-load.d/pods.conf": "bridge\nveth\noverlay\nsquashfs\n",
    },
)
#: with Ubuntu's kernel, which has what kube-proxy needs for Services, and no modules
SERVICES = replace(
    DEBIAN,
    name="debian-13-services",
    files={
        **{path: text for path, text in DEBIAN.files.items() if "modules" not in path},
        "etc/sysctl.d/60-userns.conf": f"kernel.{SETTING.name}=0\n",
    },
    own_kernel=True,
)
#: with the policy `default`, which like Fedora's `targeted` leaves logins unconfined
SELINUX = replace(
    DEBIAN,
    name="debian-13-selinux",
    files=DEBIAN.files
    | {"etc/selinux/config": "SELINUX=enforcing\nSELINUXTYPE=default\n"},
    # Debian's policy does not allow it what it does.
    masked=f"{MASKED} systemd-network-generator",
    packages=(
        *PACKAGES,
        "selinux-policy-default",
        "policycoreutils",
        "policycoreutils-python-utils",
        "auditd",
    ),
    security="selinux",
)
UBUNTUS = (_ubuntu("24.04", "noble", "0"), _ubuntu("26.04", "resolute", "1"))
#: where Ubuntu's kernel and the compiler for it come from
NEWEST = UBUNTUS[-1]
