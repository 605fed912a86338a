"""Define the errors of a cluster: each message has the fact and the way out.

A class is for what somebody catches, or whose fields are read; the rest is a LabError
raised where the fact is known.
"""

import re
from pathlib import Path


class LabError(Exception):
    """Base of all errors that a learner can mend.

    `fact` is what is wrong, `way_out` what to do about it; the message is both.
    """

    def __init__(self, fact: str, way_out: str = "") -> None:
        """Keep both halves and join them into the message."""
        self.fact = fact
        self.way_out = way_out
        super().__init__(f"{fact}\n{way_out}" if way_out else fact)

    def _render_traceback_(self) -> list[str]:
        """Show the message alone in a notebook: the fault is not in our code.

        IPython asks an exception for this method before it prints a traceback.
        """
        return [f"{type(self).__name__}: {self}"]


class MissingTool(LabError):
    """A program that this machine lacks."""

    def __init__(self, tool: str, purpose: str, way_out: str) -> None:
        """Name the tool and what it is needed for."""
        self.tool, self.purpose = tool, purpose
        super().__init__(
            f"{tool} is not installed; it is needed to {purpose}.", way_out
        )


class NotEnough(LabError):
    """Too little disk or memory for a step; `needed` and `available` in bytes."""

    def __init__(
        self, what: str, where: str, needed: int, available: int, way_out: str
    ) -> None:
        """Say what is short, where, and by how much."""
        self.what, self.where = what, where
        self.needed, self.available = needed, available
        super().__init__(
            f"Not enough {what} {where}: {needed / 1e9:.1f} GB needed, "
            f"{available / 1e9:.1f} GB available.",
            way_out,
        )


class LimitTooLow(LabError):
    """A limit of this account; `needed` and `available` are counts."""

    def __init__(self, what: str, needed: int, available: int, way_out: str) -> None:
        """Name what is limited, and by how much it is short."""
        self.what, self.needed, self.available = what, needed, available
        super().__init__(
            f"This account may have too few {what}: {needed} needed, "
            f"{available} available.",
            way_out,
        )


class BuildFailed(LabError):
    """A binary or image could not be made; `log` holds the whole output."""

    def __init__(
        self, what: str, exit_code: int, tail: str, log: Path, hint: str = ""
    ) -> None:
        """Keep the exit code and the last lines of output; `hint` is a sentence."""
        self.what, self.exit_code, self.tail, self.log = what, exit_code, tail, log
        super().__init__(
            f"Building {what} failed with exit code {exit_code}.\n{tail}".rstrip(),
            f"{hint}The whole output is in {log}.",
        )


class DownloadFailed(BuildFailed):
    """The sources of a binary could not be fetched."""


class IncompleteAssets(LabError):
    """The directory that LAB_ASSETS names cannot be used.

    `faults` maps the name of each program to what is wrong with it.
    """

    def __init__(self, directory: Path, faults: dict[str, str]) -> None:
        """Name the directory and every program that is not right."""
        self.directory, self.faults = directory, faults
        listed = ", ".join(f"{name} {fault}" for name, fault in faults.items())
        super().__init__(
            f"LAB_ASSETS={directory}: {listed or 'no such directory'}.",
            "Put them there, or unset LAB_ASSETS to have all programs built.",
        )


class BadSetting(LabError):
    """An environment variable or an option has a value that cannot be used."""

    def __init__(self, name: str, value: str, fact: str, way_out: str) -> None:
        """Name it, and say what is wrong with the value."""
        self.name, self.value = name, value
        super().__init__(f"{name}={value}: {fact}.", way_out)


class StateError(LabError):
    """The state directory cannot be used."""

    def __init__(self, path: Path, fact: str, way_out: str) -> None:
        """Name the path and what is wrong with it."""
        self.path = path
        super().__init__(f"{path}: {fact}", way_out)


#: what a learner can do without a node
WITHOUT_NODE = (
    "lessons 00, 02, 03, 04, 13, 14, 15, 21, 22, 23, 24 and 25, "
    "and whatever asks the API server alone"
)


class NoNode(LabError):
    """A cluster without a node was asked for something that needs one."""

    def __init__(self, what: str, why: str = "this cluster has none") -> None:
        """Keep what needs the node; say in one line what is missing and what works."""
        self.what, self.why = what, why
        super().__init__(
            f"{what} needs a node, and {why}: pods stay Pending. "
            f"What still works: {WITHOUT_NODE}."
        )


class NodeFailed(LabError):
    """A node in user-mode Linux cannot be had on this machine."""

    def __init__(self, step: str, reason: str) -> None:
        """Keep the step that failed, and the last words of the machine."""
        self.step, self.reason = step, reason
        super().__init__(
            f"No node in user-mode Linux: {step} failed.\n{reason}",
            "LAB_NODE=none starts the control plane without a node.",
        )


class NoBackend(LabError):
    """Nothing here can run a cluster, or not the one that was asked for."""

    def __init__(self, reason: str, way_out: str = "") -> None:
        """Keep the reason, a clause."""
        self.reason = reason
        super().__init__(
            f"No cluster can be had here: {reason}.",
            way_out
            or "Name another backend in LAB_BACKEND or with --backend, or another "
            "directory in LAB_STATE_DIR; `python -m helpers doctor` says more.",
        )


class NoEngine(LabError):
    """No container engine answers; `reason` is a clause on each that was asked."""

    def __init__(self, reason: str) -> None:
        """Say what to start, and what does without."""
        self.reason = reason
        super().__init__(
            f"The kind cluster needs Docker or Podman: {reason}.",
            "Start it and try again. On Linux you can also run a cluster without one: "
            "name a new directory in LAB_STATE_DIR, and set LAB_BACKEND=local.",
        )


class EngineFailed(LabError):
    """The container engine refused an operation; its own words are the message."""

    def __init__(self, what: str, exit_code: int, stderr: str) -> None:
        """Keep what was asked, the exit code and the last line."""
        self.what, self.exit_code, self.stderr = what, exit_code, stderr
        last = (stderr.strip().splitlines() or ["it says nothing"])[-1]
        super().__init__(
            f"{what} failed: {last}", "Look whether the engine runs, and try again."
        )


class PortTaken(LabError):
    """The port on 127.0.0.1 that was asked for is in use."""

    def __init__(self, port: int, owner: str = "") -> None:
        """Name the port and, when known, who holds it."""
        self.port, self.owner = port, owner
        by = f" by {owner}" if owner else ""
        super().__init__(
            f"Port 127.0.0.1:{port} is taken{by}.",
            "Choose another with --port, or leave it out and get a free one.",
        )


class StartFailed(LabError):
    """The cluster did not come up."""


class KindFailed(StartFailed):
    """kind, or a program beside it, ended with an error; `log` holds its output."""

    def __init__(self, what: str, exit_code: int, tail: str, log: Path) -> None:
        """Keep what was tried, the exit code and the last lines."""
        self.what, self.exit_code, self.tail, self.log = what, exit_code, tail, log
        super().__init__(
            f"{what} failed with exit code {exit_code}.\n{tail}".rstrip(),
            f"The whole output is in {log}.",
        )


class ComponentFailed(StartFailed):
    """A component could not start: its exit, last lines, and where the log is."""

    #: what etcd, containerd and the kubelet write of a file that is not whole
    DAMAGED = re.compile(
        r"invalid database|version mismatch|checksum|crc mismatch|corrupt"
        r"|freepages|unexpected EOF|file size too small"
    )

    def __init__(self, component: str, ended: str, tail: str, log: Path) -> None:
        """Keep what a person needs to find the cause."""
        self.component, self.ended, self.tail, self.log = component, ended, tail, log
        way_out = f"The whole log is in {log}."
        if self.DAMAGED.search(tail):
            way_out += (
                " Its data are damaged: `python -m helpers delete` removes them, and "
                "`up` starts from nothing."
            )
        super().__init__(
            f"{component} could not start: {ended}.\n{tail}".rstrip(), way_out
        )


class NotRunning(LabError):
    """An operation needs a running cluster and there is none."""

    def __init__(self, detail: str = "No cluster is running.") -> None:
        """Say so and how to start one."""
        super().__init__(
            detail, "Start it with `python -m helpers up`, or run `connect()`."
        )


class LacksRights(LabError):
    """A user of an existing cluster who may not do what the lessons need."""

    def __init__(self, reason: str) -> None:
        """Keep the server's own sentence."""
        self.reason = reason
        super().__init__(
            f"This user lacks a right that the lessons need: {reason}",
            "`python -m helpers rbac` prints them all, for an administrator to apply.",
        )


class OtherCluster(LabError):
    """Another cluster answers than the one that was agreed to, by its UID."""

    def __init__(self, server: str, uid: str, known: str) -> None:
        """Keep both UIDs of kube-system."""
        self.server, self.uid, self.known = server, uid, known
        super().__init__(
            f"Another cluster is at {server} (UID {uid or 'unknown'}) than the one "
            f"that you agreed to (UID {known}).",
            "Nothing was written. For another cluster name a new directory in "
            "LAB_STATE_DIR, or remove this state with `python -m helpers delete`.",
        )


class YourCluster(LabError):
    """Something that an existing cluster does not hand out to us."""

    def __init__(self, what: str, way_out: str = "") -> None:
        """Name it; the way out is whoever runs the cluster."""
        self.what = what
        super().__init__(
            f"{what} is not ours to give: this is an existing cluster.",
            way_out or "Ask whoever runs it.",
        )


class UnknownComponent(LabError):
    """`logs` was asked for something that has no log."""

    def __init__(self, name: str, known: list[str]) -> None:
        """Name it and list what there is."""
        self.name, self.known = name, known
        super().__init__(f"There is no component {name!r}; known: {', '.join(known)}.")


class KubeconfigError(LabError):
    """A kubeconfig that cannot be read or used."""

    def __init__(self, path: Path, fact: str, way_out: str) -> None:
        """Name the file and what is wrong with it."""
        self.path = path
        super().__init__(f"kubeconfig {path}: {fact}", way_out)


class NoSigningKey(LabError):
    """The key that signs ServiceAccount tokens is not on this machine."""

    def __init__(self, backend: str) -> None:
        """Name the kind of cluster that keeps its key to itself."""
        self.backend = backend
        super().__init__(
            f"A {backend} cluster keeps the key that signs tokens to itself.",
            "Only the local cluster's key is on this machine; leave this cell out.",
        )


class NotReady(LabError):
    """A condition was not met in time; `waited` in seconds."""

    def __init__(self, what: str, waited: float, last: str, way_out: str = "") -> None:
        """Say what was awaited and the last thing that was seen."""
        self.what, self.waited, self.last = what, waited, last
        super().__init__(
            f"{what} did not happen in {waited:.0f} s; last seen: {last}", way_out
        )


class Unreachable(LabError):
    """Nothing answers at an address; `reason` is the system's own word."""

    def __init__(self, server: str, reason: str, way_out: str = "") -> None:
        """Name the address and why it could not be reached."""
        self.server, self.reason = server, reason
        super().__init__(
            f"{server} does not answer: {reason}.",
            way_out
            or "Look at `python -m helpers status`, then run `connect()` again.",
        )


class NotAdmitted(LabError):
    """An existing cluster that cannot be asked, though it may answer."""

    def __init__(self, server: str, reason: str, way_out: str) -> None:
        """Name the address; `reason` goes on from there."""
        self.server, self.reason = server, reason
        super().__init__(f"{server} {reason}.", way_out)


class ServerEnded(LabError):
    """The API server of a notebook does not run; `ended` says how `program` ended."""

    def __init__(
        self, program: str = "kube-apiserver", ended: str = "", words: str = ""
    ) -> None:
        """Say which program it is, and what that said last."""
        self.program, self.ended, self.words = program, ended, words
        fact = f"The {program} of this notebook does not run."
        if ended:
            fact = f"The {program} of this notebook ended: {ended}.\n{words}".rstrip()
        super().__init__(fact, "Start it (again): `own.start()`.")


class ImageError(LabError):
    """An image archive cannot be used."""

    def __init__(self, path: Path, fact: str, way_out: str = "") -> None:
        """Name the archive and what is wrong with it."""
        self.path = path
        super().__init__(f"image archive {path}: {fact}", way_out)
