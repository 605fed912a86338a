"""Be PID 1 of the machine: make its world, run the components, say how it goes.

It is told what to do by a `Plan` and tells others by `run/status.json`. When it
dies, the kernel ends everything in the machine: nothing can be left behind.
"""

import calendar
import dataclasses
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from helpers.local import bootstrap, layout, probes, rootfs
from helpers.local import syscalls as sc
from helpers.local.components import Component, Facts, describe
from helpers.local.supervisor import Supervisor

#: seconds that a whole start may take before it is given up
BUDGET = 180.0
#: where the distribution keeps what we need, whatever PATH the learner has
PATH = f"{layout.BIN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclasses.dataclass(frozen=True)
class Plan:
    """What the host asks of the machine; paths are the host's.

    `python` is the interpreter, `python_home` its installation. `archive` is the
    name of the image archive in `images`, `archive_key` what identifies it.
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


class _Init:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._phase = "starting"
        self._tasks = {"objects": "waiting", "node": "waiting"}
        self._began = time.time()
        self._ready_at: float | None = None
        self._problem: str | None = None
        self._writing = threading.Lock()
        self._probes = probes.Prober()
        facts = find_facts(plan)
        components = describe(facts)
        for part in components:
            _write_files(part)
        _copy_scripts()
        self._facts = facts
        self._supervisor = Supervisor(
            components,
            lambda part: self._probes.ready(part.ready),
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
        if self._phase != "stopping":
            self._phase = "stopping"
            threading.Thread(target=self._stop).start()

    def _stop(self) -> None:
        self._publish()
        self._supervisor.stop()
        self._end_pods()
        self._phase = "stopped"
        self._publish()
        os._exit(0)

    def _end_pods(self) -> None:
        """Ask what is left, pods among it, to end; the kernel does it otherwise."""
        for number, patience in ((signal.SIGTERM, 0.5), (signal.SIGKILL, 0.5)):
            try:
                os.kill(-1, number)
            except ProcessLookupError:
                return
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline and _others():
                time.sleep(0.02)

    def _bring_up(self) -> None:
        deadline = time.monotonic() + BUDGET
        try:
            self._until(self._api_ready, deadline)
            self._task("objects", self._make_objects, deadline)
            self._task("node", self._node_ready, deadline)
            self._until(self._supervisor.all_ready, deadline)
        except _GivenUp:
            if self._phase == "starting":
                self._phase = "failed"
                self._publish()
            return
        if self._plan.archive_key and self._facts.import_archive:
            _imported_marker().write_text(self._plan.archive_key)
        if self._phase == "starting":
            self._phase, self._ready_at = "ready", time.time()
            self._publish()

    def _task(self, name: str, done, deadline: float) -> None:
        self._tasks[name] = "running"
        self._publish()
        self._until(done, deadline)
        self._tasks[name] = "done"
        self._publish()

    def _until(self, condition, deadline: float) -> None:
        """Poll: failed? ready? late?"""
        while True:
            if self._supervisor.failed or self._phase != "starting":
                raise _GivenUp
            try:
                if condition():
                    return
            except (OSError, ValueError):
                pass  # not answering yet, or cut off in the middle of an answer
            if time.monotonic() > deadline:
                raise _GivenUp
            time.sleep(0.05)

    def _api_ready(self) -> bool:
        return self._supervisor.states["kube-apiserver"].state == "running"

    def _make_objects(self) -> bool:
        return all(self._exists(post) for post in bootstrap.posts())

    def _exists(self, post: bootstrap.Post) -> bool:
        # Asked first: a second POST of a Service with a fixed address is answered
        # with 422 (address taken), not with 409.
        name = post.body["metadata"]["name"]
        if self._probes.api("GET", f"{post.path}/{name}")[0] == 200:
            return True
        status, answer = self._probes.api("POST", post.path, post.body)
        if status != 201:
            self._problem = answer.get("message", f"status {status}")
        return status == 201

    def _node_ready(self) -> bool:
        """Wait for what a first pod needs: node, ServiceAccount, CA ConfigMap."""
        path = f"/api/v1/nodes/{layout.NODE_NAME}"
        status, node = self._probes.api("GET", path)
        if status != 200:
            return False
        labels = bootstrap.node_labels()
        have = node["metadata"].get("labels", {})
        if any(have.get(key) != value for key, value in labels.items()):
            self._probes.api(
                "PATCH",
                path,
                {"metadata": {"labels": labels}},
                "application/merge-patch+json",
            )
        conditions = {c["type"]: c for c in node["status"].get("conditions", [])}
        ready = conditions.get("Ready", {})
        # After a restart the Node still says what it said before it was stopped.
        fresh = _epoch(ready.get("lastHeartbeatTime")) >= int(self._began)
        wanted = (
            "/api/v1/namespaces/default/serviceaccounts/default",
            "/api/v1/namespaces/default/configmaps/kube-root-ca.crt",
        )
        return (
            fresh
            and ready.get("status") == "True"
            and all(self._probes.api("GET", path)[0] == 200 for path in wanted)
        )

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
                "components": {
                    name: dataclasses.asdict(state)
                    for name, state in self._supervisor.states.items()
                },
            }
            path = Path(layout.RUN, "status.json")
            temporary = path.with_suffix(".new")
            temporary.write_text(json.dumps(document))
            temporary.replace(path)

    def _awaited(self) -> list[str]:
        tasks = {"objects": "first objects", "node": "node Ready"}
        return self._supervisor.awaited() + [
            words for name, words in tasks.items() if self._tasks[name] != "done"
        ]


class _GivenUp(Exception):
    """The start failed, is too late, or was told to stop."""


def find_facts(plan: Plan) -> Facts:
    """Find out inside the machine what the components depend on."""
    # Debian's runc has seccomp; ours is the answer where there is none.
    system = shutil.which("runc", path=PATH.removeprefix(f"{layout.BIN}:"))
    built = Path(layout.BIN, "runc")
    seccomp = bool(system) or _has_seccomp(built)
    marker = _imported_marker()
    imported = marker.exists() and marker.read_text() == plan.archive_key
    archive = plan.archive and f"{layout.IMAGES}/{plan.archive}"
    return Facts(
        python=plan.python,
        runc=system or str(built),
        seccomp=seccomp,
        snapshotter="overlayfs"
        if rootfs.can_overlay("/var/lib/containerd")
        else "native",
        service_proxy=bool(shutil.which("nft", path=PATH)),
        import_archive=None if imported else archive,
    )


def _has_seccomp(runc: Path) -> bool:
    """Say whether this runc was built with libseccomp: it links the library."""
    try:
        return b"libseccomp.so" in runc.read_bytes()
    except OSError:
        return False


def _imported_marker() -> Path:
    # Beside containerd's own data: whoever removes that removes this too.
    return Path("/var/lib/containerd/imported")


def _write_files(part: Component) -> None:
    for name, content in part.files.items():
        path = Path(name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(content)
        # The OCI runtime is started by its path.
        path.chmod(0o700 if content.startswith("#!") else 0o600)


def _copy_scripts() -> None:
    for name, source in SCRIPTS.items():
        Path(layout.ETC, name).write_text(source)


def _environment() -> dict[str, str]:
    # Nothing of the learner's: it would end up in the environment of pods.
    return {"PATH": PATH, "HOME": f"{layout.ROOT}/home", "LANG": "C.UTF-8"}


def _epoch(timestamp: str | None) -> float:
    if not timestamp:
        return 0.0
    return calendar.timegm(time.strptime(timestamp, "%Y-%m-%dT%H:%M:%SZ"))


def _others() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]


#: Read while the package can still be seen: PID 1 leaves the host's files behind.
SCRIPTS = {
    name: Path(__file__).with_name(name).read_text() for name in ("relay.py", "oci.py")
}
