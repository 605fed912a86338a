"""Change those files of Kubernetes that js/wasm lacks something for; build nothing.

They are leaves: terminals, signals, file locks, options of sockets. Each is changed
where it was vendored, by replacing the text that stands in the way. Another version may
have another text: then the build ends, and says so. No file of theirs is kept here.
"""

from pathlib import Path

from cluster import errors

_KUBECTL, _KUBERNETES = "k8s.io/kubectl/pkg", "k8s.io/kubernetes"

#: file below vendor/: texts in it, each there once, and what is in their place
EDITS = {
    "github.com/coreos/go-systemd/v22/journal/journal_unix.go": {
        "//go:build !windows": "//go:build !windows && !js"
    },
    "go.etcd.io/etcd/client/pkg/v3/fileutil/lock_flock.go": {
        "syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)": "error(nil)",
        "syscall.Flock(int(f.Fd()), syscall.LOCK_EX)": "error(nil)",
    },
    "k8s.io/apiserver/pkg/server/options/serving_unix.go": {
        '\t"golang.org/x/sys/unix"\n': "",
        "syscall.SOL_SOCKET, unix.SO_REUSEPORT": "0, 0",
        "syscall.SOL_SOCKET, unix.SO_REUSEADDR": "0, 0",
    },
    f"{_KUBERNETES}/pkg/probe/dialer_others.go": {
        "syscall.SetsockoptLinger(int(fd), syscall.SOL_SOCKET, syscall.SO_LINGER, "
        "&syscall.Linger{Onoff: 1, Linger: 1})": "_ = fd"
    },
    f"{_KUBERNETES}/cmd/kubeadm/app/util/chroot_unix.go": {
        "syscall.Chroot(rootfs)": "error(syscall.ENOSYS)"
    },
    "k8s.io/mount-utils/mount_helper_unix.go": {
        "err = syscall.Access(path, syscall.F_OK)": ""
    },
    # A process that hosts the server must not end with a command.
    f"{_KUBECTL}/cmd/auth/cani.go": {
        '\t"os"\n': "",
        "os.Exit(1)": "cmdutil.CheckErr(cmdutil.ErrExit)",
    },
    f"{_KUBECTL}/cmd/plugin.go": {
        "syscall.Exec(executablePath, append([]string{executablePath}, cmdArgs...), "
        "environment)": "syscall.ENOSYS"
    },
    f"{_KUBECTL}/util/interrupt/interrupt.go": {"syscall.SIGHUP, ": ""},
}
#: file that js lacks: the one beside it, for another system, that will do
SAME = {
    "github.com/coreos/go-systemd/v22/journal/journal_js.go": "journal_windows.go",
    f"{_KUBERNETES}/pkg/securitycontext/util_js.go": "util_darwin.go",
}
#: file that js lacks, and that is ours
OURS = "golang.org/x/sys/unix/unix_js.go"


def overlay(sources: Path, target: Path) -> dict[str, str]:
    """Write the changed files into `target`; return what takes the place of what.

    `sources` has go.mod and vendor/. Raise LabError where an edit no longer applies.
    """
    vendor = sources / "vendor"
    replaced = {vendor / OURS: sources / "unix" / "unix_js.go"}
    for name, other in SAME.items():
        replaced[vendor / name] = (vendor / name).with_name(other)
    for number, (name, texts) in enumerate(EDITS.items()):
        file, changed = vendor / name, target / f"{number}.go"
        source = file.read_text("utf-8") if file.exists() else ""
        changed.write_text(edited(name, source, texts), "utf-8")
        replaced[file] = changed
    return {str(file): str(other) for file, other in replaced.items()}


def edited(name: str, source: str, texts: dict[str, str]) -> str:
    """Return a file's source with each text replaced; raise LabError."""
    for old, new in texts.items():
        if (count := source.count(old)) != 1:
            raise errors.LabError(
                f"{name} cannot be made ready for js/wasm: it has {old.strip()!r} "
                f"{count} times, not once.",
                "This Kubernetes is not the one of the edits: correct tab/edits.py.",
            )
        source = source.replace(old, new)
    return source
