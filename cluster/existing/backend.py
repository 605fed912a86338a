"""Use a cluster of the learner's own: the verbs of a backend, where nothing is started.

It is named once, by `python -m helpers use`. What is not of these notebooks is left
alone: there is nothing to stop, and `delete` removes namespaces that were made here.
"""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from cluster import errors, paths, statedir, versions
from cluster.backend import STATUS, Backend
from cluster.binaries import ensure_kubectl
from cluster.existing import access, contexts, guard, look, rules, target
from cluster.existing.rbac import USER
from cluster.existing.record import Record
from cluster.existing.removal import LOST, Removal, known
from cluster.image import cache as image_cache
from cluster.kubeconfig import read_kubeconfig
from cluster.local import storage
from cluster.progress import Progress, Silent


@dataclass(frozen=True)
class Own(Backend):
    """The cluster that the record in the directory `state` names."""

    name = "own"
    logs = ()

    state: Path = field(default_factory=paths.state_dir)

    @property
    def kubeconfig(self) -> Path:
        """Return where the copy of the learner's context is."""
        return self.state / "kubeconfig"

    @property
    def context(self) -> str:
        """Return the name of the context in it."""
        return self.record().context

    def record(self) -> Record:
        """Return what the learner has agreed to; raise NoBackend without that."""
        found = Record.read(self.state)
        if found is None:
            raise errors.NoBackend(
                "no cluster has been named; `python -m helpers use` does that"
            )
        return found

    def running(self) -> bool:
        """Say whether a cluster has been named; whether it answers, `status` says."""
        return Record.read(self.state) is not None

    def binaries(self) -> Path | None:
        """Return the directory with a kubectl that checks writes, or None."""
        found = self.state / "bin"
        return found if (found / "kubectl").exists() else None

    def setup(self, progress: Progress) -> tuple[Path, Path]:
        """Get kubectl and an archive of the image, for a registry or for the nodes."""
        binaries = ensure_kubectl(progress)
        return binaries, image_cache.ensure(binaries, progress)

    def up(self, progress: Progress | None = None, *, port: int | None = None) -> None:
        """Make sure that it is still that cluster, and check writes from now on.

        Raise Unreachable, OtherCluster for one with another UID, NoBackend before
        `use`, KubeconfigError.
        """
        if port is not None:
            raise errors.YourCluster("A port of its API server")
        progress = progress or Silent()
        record = self.record()
        document = read_kubeconfig(self.kubeconfig)
        progress.update(f"asking {record.server}")
        kubectl = target.kubectl(progress, record.version, known=record.kubectl)
        found = look.see(kubectl, kubeconfig=self.kubeconfig)
        if found.uid != record.uid:
            raise errors.OtherCluster(record.server, found.uid, record.uid)
        trusted = contexts.authority(document, self.kubeconfig)
        if trusted != record.authority:
            fact = "trusts another authority than the one that you agreed to."
            way_out = "Name the cluster again: `python -m helpers use`."
            raise errors.KubeconfigError(self.kubeconfig, fact, way_out)
        words = look.namespaced(kubectl, kubeconfig=self.kubeconfig)
        with statedir.usable(self.state):
            replace(record, kubectl=kubectl, namespaced=words).write(self.state)
            guard.write(self.state / "bin", self.state, kubectl)

    def stop(self) -> bool:
        """Return False: there is nothing here that these notebooks started."""
        return False

    def removal(self) -> Removal:
        """Return what `delete` would do; it only reads. Raise NoBackend before `use`.

        The namespaces are those that were made from this state directory.
        """
        record = self.record()
        marks = rules.labels(record).items()
        selector = ",".join(f"{name}={value}" for name, value in marks)
        words = ("get", "namespaces", f"--selector={selector}", "-o", "json")
        found = Removal(record.server, selector, (), self.state)
        try:
            self.up()
            text = look.run(self.record().kubectl, *words, kubeconfig=self.kubeconfig)
        except LOST as error:
            return replace(found, namespaces=known(self.state), lost=error.fact)
        names = [each["metadata"]["name"] for each in json.loads(text)["items"]]
        return replace(found, namespaces=tuple(names))

    def delete(self, agreed: Removal | None = None) -> bool:
        """Remove the namespaces made from here, and the state; never anything else.

        If that cluster is gone, or is another one by now, the state alone. `agreed` is
        what `removal` has returned. Return False if no cluster was named.
        """
        statedir.refuse_foreign(self.state)
        existed = self.running()
        if existed:
            found = agreed or self.removal()
            if found.namespaces and not found.lost:
                program = str(self.state / "bin" / "kubectl")
                words = ("delete", "namespaces", *found.namespaces, "--wait=false")
                words += ("--ignore-not-found",)
                look.run(program, *words, kubeconfig=self.kubeconfig)
        storage.remove_tree(self.state)
        return existed

    def status(self) -> dict | None:
        """Return how it is, with the keys of `STATUS`; None before `use`."""
        record = Record.read(self.state)
        if record is None:
            return None
        problem = None
        try:
            found = look.see(record.kubectl, kubeconfig=self.kubeconfig)
            if found.uid != record.uid:
                error = errors.OtherCluster(record.server, found.uid, record.uid)
                problem = error.fact.removesuffix(".")
        except errors.LabError as error:
            problem = error.fact.removesuffix(".")
        return {
            **STATUS,
            "phase": "not answering" if problem else "ready",
            "problem": problem,
            "server": record.server,
            "kubeconfig": str(self.kubeconfig),
        }

    def log(self, component: str, lines: int, *, previous: bool = False) -> NoReturn:
        """Raise YourCluster: its logs are with whoever runs it."""
        raise errors.YourCluster("A log of a component")

    def images(self) -> NoReturn:
        """Raise YourCluster: its nodes are not ours to look into."""
        raise errors.YourCluster("The list of images")

    def add_image(self, archive: Path) -> NoReturn:
        """Raise YourCluster: its nodes are not ours to write to."""
        raise errors.YourCluster(
            "An import of images",
            f"Push {versions.TOOLBOX_IMAGE.rpartition('/')[2]} to a registry and name "
            "it: `python -m helpers use --image REGISTRY/NAME:TAG`.",
        )

    def audit_log(self) -> NoReturn:
        """Raise YourCluster: an audit log is for those who run the cluster."""
        raise errors.YourCluster("The audit log")

    def image_hint(self) -> str:
        """Return the way out where an image cannot be pulled."""
        return (
            "Load `toolbox:1` into your nodes, or push it to their registry and name "
            "it: `python -m helpers use --image …`. Another image: mend its name."
        )

    def with_image(self, text: str) -> str:
        """Return a text with the image that the learner has named for the toolbox."""
        return rules.with_image(text, self.record().image)

    def namespace_marks(self) -> dict[str, dict[str, str]]:
        """Return the mark of this state directory, and whose namespace it is."""
        record = self.record()
        return {"labels": rules.labels(record), "annotations": {USER: record.user}}

    def admit(self, namespace: str) -> None:
        """Bind the rights of the lessons there, unless the user has them already."""
        access.bind(namespace)
