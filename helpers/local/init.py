"""Be PID 1 of the machine: make its world, run the components, say how it goes.

It is told what to do by a `Plan` and tells others by `run/status.json`. When it
dies, the kernel ends everything in the machine: nothing can be left behind.
"""

import dataclasses
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from helpers.local import facts, firstobjects, layout, probes, rootfs
from helpers.local import syscalls as sc
from helpers.local.components import Component, describe
from helpers.local.files import write_private
from helpers.local.supervisor import Supervisor

#: seconds that a whole start may take before it is given up
BUDGET = 300.0
#: seconds that pods get between SIGTERM and SIGKILL when the machine stops
POD_GRACE = 0.5


@dataclasses.dataclass(frozen=True)
class Plan:
    """What the host asks of the machine; paths are the host's.

    `python` is the interpreter, `python_home` its installation. `listener` is an
    open descriptor. `archive` is the name of the image archive in `images`,
    `archive_key` what identifies it.
    """

    state: str
    binaries: str
    python: str
    python_home: str
    listener: int
    images: str | None = None
    archive: str | None = None
    archive_key: str | None = None


def run(plan: Plan, made: Callable[[], None]) -> int:
    """Be PID 1; return its exit code. Raise StepRefused before anything runs.

    `made` is called when the world is made and the components are about to start.
    """
    sc.set_hostname(layout.NODE_NAME)
    rootfs.build(
        rootfs.Sources(plan.state, plan.binaries, plan.python_home, plan.images)
    )
    rootfs.configure_network()
    pid_1 = _Init(plan)
    made()
    return pid_1.run()


_TASKS = {
    "objects": "first objects",
    "node": "node Ready",
    "service": "the Service kubernetes",
}


class _Init:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._phase = "starting"
        self._moving = threading.Lock()
        self._tasks = {name: "waiting" for name in _TASKS}
        self._began = time.time()
        self._ready_at: float | None = None
        self._problem: str | None = None
        self._writing = threading.Lock()
        self._probes = probes.Prober()
        self._facts = facts.find(plan.python, plan.archive, plan.archive_key)
        components = describe(self._facts)
        for part in components:
            _write_files(part)
        _copy_scripts()
        self._supervisor = Supervisor(
            components,
            lambda part: self._probes.ready(part.ready),
            answers=self._answers,
            logs=layout.LOGS,
            env=_environment(),
            listener=plan.listener,
            changed=self._publish,
        )

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            # Without a handler the kernel drops signals to a PID 1.
            signal.signal(number, self._asked_to_stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._publish()
        self._supervisor.start()
        threading.Thread(target=self._bring_up, daemon=True).start()
        self._supervisor.reap()
        return 0

    def _asked_to_stop(self, *_: object) -> None:
        # In a thread: the main one goes on reaping.
        threading.Thread(target=self._stop, daemon=True).start()

    def _move(self, phase: str, *, only_from: tuple[str, ...]) -> bool:
        """Go to `phase`; return False where another thread was quicker."""
        with self._moving:
            if self._phase not in only_from:
                return False
            self._phase = phase
        self._publish()
        return True

    def _stop(self) -> None:
        if self._move("stopping", only_from=("starting", "ready")):
            self._end("stopped")

    def _fail(self, problem: str) -> None:
        # Nobody may be waiting any more: whoever asked for the start may be dead. So
        # we end by ourselves; what is left is the last status, and the logs.
        self._problem = problem
        if self._move("failed", only_from=("starting",)):
            self._end("failed")

    def _end(self, phase: str) -> None:
        self._supervisor.stop()
        _end_pods()
        self._phase = phase
        self._publish()
        os._exit(0)

    def _bring_up(self) -> None:
        deadline = time.monotonic() + BUDGET
        try:
            self._until(self._api_answers, deadline)
            self._task("objects", self._make_objects, deadline)
            self._task("node", lambda: firstobjects.node_ready(self._probes), deadline)
            self._until(self._supervisor.all_ready, deadline)
            self._task(
                "service", lambda: firstobjects.service_answers(self._probes), deadline
            )
            facts.remember(self._facts, self._plan.archive_key)
        except _GivenUp:
            seen = f" ({self._problem})" if self._problem else ""
            waiting = ", ".join(self._awaited())
            self._fail(f"after {BUDGET:.0f} s it still waits for {waiting}{seen}.")
        except Exception as error:
            # A bug of ours, or a full disk. Whoever waits must learn of it.
            traceback.print_exc()
            self._fail(f"{type(error).__name__}: {error}.")
        else:
            self._ready_at = time.time()
            self._move("ready", only_from=("starting",))

    def _task(self, name: str, done, deadline: float) -> None:
        self._tasks[name] = "running"
        self._publish()
        self._until(done, deadline)
        self._tasks[name] = "done"
        self._publish()

    def _until(self, condition, deadline: float) -> None:
        """Wait for `condition`. Ask in this order: failed, ready, late."""
        while True:
            if self._supervisor.failed or self._phase != "starting":
                raise _GivenUp
            try:
                if condition():
                    return
            except OSError:
                pass  # not answering yet, or cut off in the middle of an answer
            if time.monotonic() > deadline:
                raise _GivenUp
            time.sleep(0.05)

    def _answers(self, part: Component) -> bool:
        if part.answers is None or not self._probes.ready(part.answers):
            return False
        # The kubelet waits for this: it must not find the Node that it left.
        try:
            return firstobjects.disown_node(self._probes)
        except OSError:
            return False

    def _api_answers(self) -> bool:
        return self._supervisor.states["kube-apiserver"].answers

    def _make_objects(self) -> bool:
        self._problem = firstobjects.make(self._probes)
        return self._problem is None

    def _publish(self) -> None:
        with self._writing:
            document = {
                "phase": self._phase,
                "began": self._began,
                "ready_at": self._ready_at,
                "failed": self._supervisor.failed,
                "awaited": self._awaited(),
                "problem": self._problem,
                "service_proxy": self._facts.service_proxy,
                "seccomp": self._facts.seccomp,
                "snapshotter": self._facts.snapshotter,
                "ids": _ids(),
                "components": {
                    name: dataclasses.asdict(state)
                    for name, state in self._supervisor.states.items()
                },
            }
            try:
                write_private(Path(layout.RUN, "status.json"), json.dumps(document))
            except OSError as error:
                # A full disk. An old status is bad; a component that is not started
                # again, because its thread ended here, would be worse.
                print(f"status not written: {error}", file=sys.stderr, flush=True)

    def _awaited(self) -> list[str]:
        return self._supervisor.awaited() + [
            words for name, words in _TASKS.items() if self._tasks[name] != "done"
        ]


class _GivenUp(Exception):
    """The start failed, is too late, or was told to stop."""


def _write_files(part: Component) -> None:
    for name, content in part.files.items():
        path = Path(name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The OCI runtime is started by its path.
        write_private(path, content, mode=0o700 if content[:2] == "#!" else 0o600)


def _copy_scripts() -> None:
    for name, source in SCRIPTS.items():
        write_private(Path(layout.ETC, name), source)


def _environment() -> dict[str, str]:
    # Nothing of the learner's: it would end up in the environment of pods.
    return {"PATH": facts.PATH, "HOME": f"{layout.ROOT}/home", "LANG": "C.UTF-8"}


def _ids() -> int:
    with open("/proc/self/uid_map") as file:
        return sum(int(line.split()[2]) for line in file)


def _end_pods() -> None:
    """Ask what is left, pods among it, to end; the kernel does it otherwise."""
    for number, patience in ((signal.SIGTERM, POD_GRACE), (signal.SIGKILL, 0.5)):
        try:
            os.kill(-1, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and _others():
            time.sleep(0.02)


def _others() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]


#: Read while the package can still be seen: PID 1 leaves the host's files behind.
SCRIPTS = {
    name: Path(__file__).with_name(name).read_text() for name in ("relay.py", "oci.py")
}
