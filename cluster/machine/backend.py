"""Bring a cluster of processes up and down: keys, machine, kubeconfig, logs.

A backend of this kind says which machine it starts, what has to be there before, and
whether this computer can run it.
"""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path

from cluster import errors, paths, statedir
from cluster.backend import STATUS, Backend
from cluster.kubeconfig import embed, holds, read_kubeconfig, write_embedded
from cluster.language import mark, say
from cluster.machine import layout, logs, ports, storage
from cluster.machine.host import NOT_ANSWERING, Machine
from cluster.progress import Progress, Silent
from cluster.statedir import write_private

# The rest is imported where it is used: `status` is asked often, a start is rare.

#: seconds that `delete` waits for a start that it cannot stop, as one that downloads
DELETE_TIMEOUT = 20.0


@dataclass(frozen=True)
class MachineBackend(Backend):
    """A cluster of processes whose state is in the directory `state`."""

    disk = storage.DISK_NEEDED
    context = layout.CONTEXT
    #: the file that says whose cluster is in the directory, "" where none is needed
    marker = ""

    state: Path = field(default_factory=paths.state_dir)

    @property
    def _machine(self) -> Machine:
        """Return the machine that this backend starts."""
        raise NotImplementedError

    def _require_machine(self, progress: Progress) -> None:
        """Raise LabError for a computer that cannot run the cluster."""
        raise NotImplementedError

    def _log_directory(self, component: str) -> Path:
        """Return where the log of a component is."""
        return self.state / "logs"

    @property
    def kubeconfig(self) -> Path:
        """Return where the learner's kubeconfig is."""
        return self.state / "kubeconfig"

    def running(self) -> bool:
        """Return whether a process of the cluster is alive."""
        return self._machine.running()

    def up(self, progress: Progress | None = None, *, port: int | None = None) -> None:
        """Start the cluster, or attach to it; return when it is ready.

        `port` None keeps the port of the last start where it is free. Two callers at
        once get one cluster. Raise a subclass of LabError; nothing is left running.
        """
        progress = progress or Silent()
        with statedir.start_lock(self.state, progress):
            if self._machine.is_stopping():
                progress.update(say("waiting for the end of the last run"))
                self.stop()
            if self.running():
                self._attach(progress, port)
            else:
                self._start(progress, port)
            self._ensure_kubeconfig()

    def stop(self) -> bool:
        """Stop the cluster and keep its objects; return False if no cluster ran."""
        return self._machine.stop()

    def delete(self) -> bool:
        """Stop the cluster, or a start of it, and remove its state.

        Return False if there was none. Raise StateError for a directory that is not
        ours, or in which another process goes on to prepare a start.
        """
        statedir.refuse_foreign(self.state)
        if not self.state.exists():
            return False
        began = time.monotonic()

        def meanwhile() -> None:
            if not self.stop() and time.monotonic() - began > DELETE_TIMEOUT:
                raise errors.StateError(
                    self.state,
                    "another process prepares a start there.",
                    "Wait for its end, or end it with Ctrl-C, and try again.",
                )

        with statedir.start_lock(self.state, Silent(), meanwhile=meanwhile):
            existed = (self.state / "pki").exists()
            self._machine.delete()
        return existed

    def status(self) -> dict | None:
        """Return the status, with the keys of `STATUS`, or None if no cluster runs."""
        status = self._machine.status()
        if status is None:
            return None
        from cluster.machine.shortage import shortages

        status |= {"server": self._server(), "kubeconfig": str(self.kubeconfig)}
        status["ends"] = self.ends()
        if short := shortages(self.state):
            status["problem"] = "\n".join(map(str, short.values()))
        elif status["phase"] == NOT_ANSWERING:
            status["problem"] = "the API server does not call itself ready within 5 s"
        return {**STATUS, **status}

    def _server(self) -> str:
        return f"https://127.0.0.1:{ports.port_of(self.state)}"

    def ends(self) -> str:
        """Return when the cluster will end by itself, or ""."""
        from cluster.machine.ending import planned_end

        return planned_end(self.state)

    def why_it_ended(self) -> str | None:
        """Return why the cluster ended without `stop`, or None if that is not known."""
        return self._machine.why_it_ended()

    def log(self, component: str, lines: int, *, previous: bool = False) -> str:
        """Return the last lines of a component's log, or of that of the start before.

        Raise LabError for an unknown component, NotRunning.
        """
        self.require_component(component)
        name = f"{component}.log{'.1' if previous else ''}"
        path = self._log_directory(component) / name
        try:
            return logs.read(path, lines)
        except FileNotFoundError:
            raise errors.NoLog(component) from None
        except OSError as error:
            raise _change_error(path, error) from None

    def slowness(self) -> float:
        """Return how many times as long as usual the start took, at least 1."""
        from cluster.machine.slowness import slowness

        try:
            return slowness(self._machine.last_status())
        except errors.StateError:
            return 1.0

    def image_hint(self) -> str:
        """Return the way out where an image cannot be pulled."""
        return say(
            "Pods of the local cluster have no way out to the internet: take "
            "`toolbox:1`, or `.venv/bin/kapi images add FILE`."
        )

    def audit_log(self) -> str:
        """Return the audit log: an event per line in JSON; raise NotRunning."""
        if not self.running():
            raise errors.NotRunning
        from cluster.machine import audit

        directory = self.state / "audit"
        try:
            return audit.read(directory)
        except OSError as error:
            raise _change_error(directory, error) from None

    def signing_key(self) -> bytes:
        """Return the key that signs ServiceAccount tokens, as PEM."""
        return (self.state / "pki" / "sa.key").read_bytes()

    def _attach(self, progress: Progress, port: int | None) -> None:
        taken = ports.port_of(self.state)
        if port and port != taken:
            raise errors.StartFailed(
                f"The cluster runs already, on port {taken}.",
                "Stop it first with `.venv/bin/kapi stop`.",
            )
        try:
            self._machine.await_ready(progress)
        except errors.LabError as error:
            from cluster.machine.shortage import shortages

            # A lack explains the silence.
            for short in shortages(self.state).values():
                raise short from error
            raise

    def _start(self, progress: Progress, port: int | None) -> None:
        self._require_machine(progress)
        programs, archive = self.setup(progress)
        progress.update(say("making keys and certificates"))
        with statedir.state_errors(self.state):
            self._make_keys()
        first_port = ports.port_of(self.state) if port is None else port
        try:
            self._machine.start(programs, archive, first_port, progress)
        except errors.PortTaken:
            if port is not None:
                raise
            # Last time's port was only a habit.
            self._machine.start(programs, archive, 0, progress)

    def _make_keys(self) -> None:
        from cluster.machine import pki

        keys, server = self.state / "pki", layout.API_SERVER
        pki.ensure(keys)
        stems = layout.KUBECONFIG_STEMS
        write_embedded(keys, stems, server=server, context=layout.CONTEXT)
        if self.marker:
            write_private(self.state / self.marker, "")

    def _ensure_kubeconfig(self) -> None:
        """Write the learner's kubeconfig, unless it is right: what was added stays."""
        with statedir.state_errors(self.state):
            document = embed(
                self.state / "pki",
                "admin",
                server=self._server(),
                context=layout.CONTEXT,
                user="kubernetes-admin",
            )
            try:
                right = holds(read_kubeconfig(self.kubeconfig), document)
            except errors.KubeconfigError:
                right = False
            if not right:
                write_private(self.kubeconfig, json.dumps(document, indent=2))


def _change_error(path: Path, error: OSError) -> errors.StateError:
    hint = mark(
        "A pod may have changed it; `.venv/bin/kapi stop` and then `up` makes it anew."
    )
    text = say("cannot be read: {reason}.", reason=error.strerror)
    return errors.StateError(path, text, say(hint))
