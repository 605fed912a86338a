"""Bring the kind cluster up and down: its objects are in the container of the node."""

import contextlib
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cluster import errors, paths, programs, statedir
from cluster.backend import KIND as LOGS, STATUS, Backend
from cluster.bundle import ready
from cluster.image import find as image_find
from cluster.image.load import StoredImage, add
from cluster.kind import engine, programs as kind_programs
from cluster.kind.engine import LONGEST
from cluster.kind.node import (
    Node,
    NodeClient,
    await_ready,
    component_rows,
    ensure_toolbox,
)
from cluster.kind.plan import RECORD, KindPlan, Record, name_for
from cluster.kind.programs import Commands
from cluster.kubeconfig import read_kubeconfig, server_of
from cluster.language import mark, say
from cluster.machine import audit, storage
from cluster.programs.recipe import KUBECTL
from cluster.progress import Progress, Silent
from cluster.statedir import write_private
from cluster.waiting import poll

if TYPE_CHECKING:
    from cluster.findings import Topic


@dataclass(frozen=True)
class Kind(Backend):
    """The kind cluster whose state is in the directory `state`."""

    name = "kind"
    about = "a node as a container"
    logs = LOGS

    state: Path = field(default_factory=paths.state_dir)

    @property
    def context(self) -> str:
        """Return the name of the kubeconfig's context."""
        return self._plan.context

    def running(self) -> bool:
        """Return whether the node runs; False too if the engine does not answer."""
        try:
            return self._runs()
        except errors.LabError:
            return False

    def binaries(self) -> Path | None:
        """Return the directory that holds kubectl, or None before the set-up."""
        return programs.find_kubectl()

    def setup(self, progress: Progress) -> tuple[Path, Path]:
        """Get kubectl, our archive, and the image of the node; raise what `up` does."""
        engine_here = self._engine()
        statedir.make(self.state)
        kubectl, archive = self._prepare(progress)
        Commands(self.state, engine_here).node_image(progress)
        return kubectl, archive

    def is_prepared(self) -> bool:
        """Return whether kubectl and the image archive are there."""
        binaries = self.binaries()
        return bool(binaries and image_find.usable_archive(binaries))

    def topics(self) -> "tuple[type[Topic], ...]":
        """Return the topics of `doctor`."""
        from cluster.image.topics import Image
        from cluster.kind.topics import Engine
        from cluster.machine.topics import Kernel

        return (Kernel, Engine, Image)

    def up(self, progress: Progress | None = None, *, port: int | None = None) -> None:
        """Make the cluster, start it, or attach to it; return when it is ready.

        `port` counts when it is made. Two callers at once get one cluster. Raise
        LabError; a start that fails leaves nothing running.
        """
        progress = progress or Silent()
        # Before a directory is made, and programs are fetched, for nothing.
        state = self._engine().state(self._plan.cluster)
        with statedir.start_lock(self.state, progress):
            self._commands().log.unlink(missing_ok=True)
            kubectl, archive = self._prepare(progress)
            state = self._engine().state(self._plan.cluster)
            if state and not self._is_made():
                # A create that was killed in the middle left it.
                self._remove(progress)
                state = ""
            if not state:
                self._create(kubectl, port, progress)
            node = Node(self._plan, self._engine(), kubectl)
            self._start(node, state, archive, port, progress)
            self._note(made=True)

    def stop(self) -> bool:
        """Stop the node and keep the objects; return False if the node did not run."""
        if not self._runs():
            return False
        self._engine().stop(self._plan.node)
        return True

    def delete(self) -> bool:
        """Remove the cluster and its state; return False if there was none.

        Raise LabError as long as the engine keeps the node: all is kept then.
        """
        statedir.refuse_foreign(self.state)
        if not self.state.exists():
            return False
        existed = Record.read(self.state) is not None
        with statedir.start_lock(self.state, Silent()):
            if existed:
                self._remove(Silent())
            storage.remove_state(self.state)
        return existed

    def status(self) -> dict | None:
        """Return the status; its components are the containers of kube-system."""
        if not self._runs():
            return None
        node = Node(self._plan, self._engine(), programs.ensure_kubectl(Silent()))
        answers = node.answers()
        problem = "the API server does not call itself ready within 5 s"
        return {
            **STATUS,
            "phase": "ready" if answers else "not answering",
            "problem": None if answers else problem,
            "server": node.server(),
            "kubeconfig": str(self.kubeconfig),
            "components": component_rows(node.pods()) if answers else {},
        }

    def log(self, component: str, lines: int, *, previous: bool = False) -> str:
        """Return the last lines of a log; raise LabError, NotRunning, EngineFailed."""
        self.require_component(component)
        return self._node().log(component, lines, previous=previous)

    def audit_log(self) -> str:
        """Return the audit log: an event per line in JSON; raise NotRunning."""
        return self._node().audit_log()

    def images(self) -> list[StoredImage]:
        """Return the images that pods can use without a pull; raise NotRunning."""
        return self._node().images()

    def add_image(self, archive: Path) -> list[str]:
        """Import an image archive and return the names in it."""
        return add(NodeClient(self._node(), self._commands()), archive)

    def image_hint(self) -> str:
        """Return the way out where an image cannot be pulled."""
        return say(
            "Fix `image`, or take `toolbox:1`; what no registry has: "
            "`.venv/bin/kapi images add FILE`."
        )

    @property
    def _plan(self) -> KindPlan:
        record = Record.read(self.state)
        return KindPlan(self.state, record.cluster if record else name_for(self.state))

    def _engine(self) -> engine.Engine:
        """Return the engine of the cluster, or the first one; raise LabError."""
        record = Record.read(self.state)
        if record:
            recorded = engine.Engine(record.engine)
            place = recorded.endpoint
            # An engine that does not say fails at the first question, in its own words.
            if place and record.endpoint and place != record.endpoint:
                text = mark(
                    "{engine} leads to {place} now, and the kind cluster is at "
                    "{endpoint}."
                )
                facts = {"engine": record.engine, "endpoint": record.endpoint}
                raise errors.LabError(
                    say(text, **facts, place=place),
                    say(
                        "Nothing was changed. Go back by `docker context use`, "
                        "DOCKER_HOST or CONTAINER_HOST, and try again."
                    ),
                )
            return recorded
        answering, reason = engine.detect()
        if answering is None:
            raise errors.NoEngine(reason)
        return answering

    def _commands(self) -> Commands:
        return Commands(self.state, self._engine())

    def _is_made(self) -> bool:
        record = Record.read(self.state)
        return record is not None and record.made

    def _runs(self) -> bool:
        """Return whether a whole cluster runs; raise EngineFailed."""
        return self._is_made() and self._engine().state(self._plan.cluster) == "running"

    def _node(self) -> Node:
        if not self._runs():
            raise errors.NotRunning
        return Node(self._plan, self._engine(), programs.ensure_kubectl(Silent()))

    def _note(self, *, made: bool) -> None:
        engine_here = self._engine()
        record = Record(
            self._plan.cluster, engine_here.program, made, engine_here.endpoint
        )
        record.write(self.state)

    def _prepare(self, progress: Progress) -> tuple[Path, Path]:
        kind_programs.ensure_kind(progress)
        ready.ensure(progress, KUBECTL)
        kubectl = programs.ensure_kubectl(progress)
        try:
            # A notebook that starts one beside the cluster should not wait for it then.
            programs.ensure_api_server(progress)
        except errors.LabError as error:
            why = mark("no notebook can start an API server of its own: {reason}")
            progress.finish(say(why, reason=error.message))
        make = None
        if sys.platform == "darwin":
            commands = self._commands()

            def make(work: Path, _: Path, client: tuple[str, ...]) -> Path:
                return commands.make_image(work, client, progress)

        return kubectl, image_find.ensure(kubectl, progress, make)

    def _create(self, kubectl: Path, port: int | None, progress: Progress) -> None:
        """Create the cluster with kind; remove everything if that fails."""
        image = self._commands().node_image(progress)
        # Before the first container: if we are killed, the next one knows.
        self._note(made=False)
        configuration = self.state / "kind.yaml"
        write_private(configuration, self._plan.configuration(image, port))
        write_private(self._plan.audit_policy, audit.policy())
        self.kubeconfig.unlink(missing_ok=True)
        try:
            self._commands().kind(self._plan.create(configuration), progress)
        except BaseException:
            # Also KeyboardInterrupt: half a cluster is worse than none.
            with contextlib.suppress(errors.LabError):
                self._remove(Silent())
            raise

    def _start(
        self,
        node: Node,
        state: str,
        archive: Path,
        port: int | None,
        progress: Progress,
    ) -> None:
        """Start the node unless it runs, and wait; stop the node if that fails."""
        try:
            if state not in ("", "running"):
                progress.update(say("starting the node {name}", name=node.plan.node))
                node.engine.ask("start", node.plan.node)
            taken = node.server().rpartition(":")[2]
            if port and str(port) != taken:
                raise errors.StartFailed(
                    f"The cluster was made with port {taken}, and keeps it.",
                    "Delete it with `.venv/bin/kapi delete` to choose another.",
                )
            self._ensure_kubeconfig(node, progress)
            await_ready(node, self._commands(), progress)
            progress.update(say("looking for the toolbox image"))
            ensure_toolbox(node, self._commands(), archive, progress)
        except BaseException:
            with contextlib.suppress(errors.LabError):
                if state == "":
                    self._remove(Silent())
                elif state != "running":
                    node.engine.stop(node.plan.node)
            raise

    def _ensure_kubeconfig(self, node: Node, progress: Progress) -> None:
        """Write the kubeconfig anew, from the node, unless the file leads there."""
        try:
            document = read_kubeconfig(self.kubeconfig)
            if server_of(document, self.context) == node.server():
                return
        except (errors.KubeconfigError, KeyError, TypeError):
            pass  # a faulty kubeconfig is made anew, below
        self.kubeconfig.unlink(missing_ok=True)
        self._commands().kind(self._plan.export_kubeconfig(), progress)

    def _remove(self, progress: Progress) -> None:
        """Have kind remove the node; raise KindFailed, EngineFailed, StartFailed."""

        def gone() -> bool:
            self._commands().kind(self._plan.delete(), progress)
            return not self._engine().state(self._plan.cluster)

        # Docker lists a container while it fills its volumes, and cannot remove it yet.
        if not poll(gone, LONGEST):
            text = mark("{node} is still there after {seconds:.0f} s.")
            message = say(text, node=self._plan.node, seconds=LONGEST)
            hint = say("Try again: the engine may be busy.")
            raise errors.StartFailed(message, hint)
        (self.state / RECORD).unlink(missing_ok=True)
