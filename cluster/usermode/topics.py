"""Examine what runs a node in user-mode Linux, and the walls around it."""

from collections.abc import Iterator
from dataclasses import dataclass

from cluster import paths, statedir
from cluster.findings import Finding, ok, warning, way_to_local, with_start
from cluster.local import trial
from cluster.usermode import kernel, walls


@dataclass(frozen=True)
class Node:
    """A node in user-mode Linux: `mode` is `seccomp` or `ptrace`, "" without a node.

    `hint` says how namespaces could be allowed, "" where they are; `kept` whether there
    is a control plane already.
    """

    mode: str = "ptrace"
    reason: str = ""
    landlock: int = walls.WHOLE
    switched_off: bool = False
    hint: str = ""
    kept: bool = False

    @classmethod
    def read(cls) -> "Node":
        """Look for its programs, and ask the kernel."""
        kernel_here, reason = kernel.find()
        # Also where a control plane is kept: it was made because of that.
        problem = trial.attempt_here().problem
        return cls(
            kernel_here.mode if kernel_here else "",
            reason,
            walls.version(),
            walls.is_switched_off(),
            problem.hint if problem else "",
            (paths.state_dir() / statedir.CONTROL_PLANE_MARK).exists(),
        )

    def findings(self) -> Iterator[Finding]:
        """Judge the node, and the walls between it and this machine."""
        if not self.mode:
            message = f"none: {self.reason}; lessons that run pods are skipped."
            yield warning("node", message, self._way_out())
            return
        yield self._node()
        if self.hint:
            yield way_to_local(self.hint, kept=self.kept)

    def _way_out(self) -> str:
        if self.hint:
            return with_start(self.hint, kept=self.kept)
        first = "`.venv/bin/kapi delete`, and " if self.kept else ""
        start = f"{first}`.venv/bin/kapi up --backend auto`"
        return f"Namespaces are allowed here: {start} starts a cluster with a node."

    def _node(self) -> Finding:
        message = f"in user-mode Linux, by {self.mode}, starts after the control plane"
        # By seccomp any pod can become the kernel, see cluster/docs/usermode-linux.md.
        by_seccomp = self.mode == "seccomp"
        if self.landlock >= (walls.SIGNALS if by_seccomp else walls.WHOLE):
            return ok("node", message)
        lack = "can end your processes"
        if self.landlock < walls.WHOLE:
            lack = "reaches ports of this machine"
        state = "is too old for Landlock to prevent that"
        if not self.landlock:
            lack = "reaches all of your files"
            state = "has no Landlock, which would prevent that"
        pod = "pod" if by_seccomp else "privileged pod"
        hint = "Run only pods that you trust there."
        if self.switched_off:
            state = "has not enabled Landlock, which would prevent that"
            hint += (
                " The boot parameter `lsm=landlock,...` enables it, with what "
                "/sys/kernel/security/lsm lists for the dots."
            )
        message += f". A {pod} in it {lack}: this Linux {state}."
        return warning("node", message, hint)
