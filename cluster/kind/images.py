"""Put images into the node of a kind cluster: ours, and those that a learner brings."""

import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

from cluster import errors, versions
from cluster.image import load as images
from cluster.kind.command import Commands
from cluster.kind.node import Node
from cluster.progress import Progress, Silent


@dataclass(frozen=True)
class NodeClient(images.Client):
    """Asks the containerd of a node; kind streams an archive into it."""

    node: Node
    commands: Commands
    progress: Progress = Silent()

    def load(self, archive: Path) -> None:
        """Import an archive by kind; raise Refused."""
        try:
            self.commands.kind(self.node.plan.load(archive), self.progress)
        except errors.KindFailed as error:
            raise images.Refused(error.fact.splitlines()[-1]) from None

    def ask(self, *arguments: str) -> str:
        """Return what `ctr` in the node prints; raise Refused."""
        try:
            return self.node.run("ctr", "--namespace=k8s.io", *arguments)
        except errors.EngineFailed as error:
            *_, last = ("", *error.stderr.strip().splitlines())
            raise images.Refused(last.removeprefix("ctr: ")) from None


def ensure_toolbox(
    node: Node, commands: Commands, archive: Path, progress: Progress
) -> None:
    """Load the image of the lessons from the suite's archive unless it is there.

    Alone: the archive holds a pause image too, and the node has its own.
    """
    image_id, name = toolbox_id(archive), versions.TOOLBOX_IMAGE
    if any((i.name, i.digest) == (name, image_id) for i in node.images()):
        return
    alone = node.plan.state / "toolbox.tar"
    try:
        extract(archive, name, alone)
        images.add(NodeClient(node, commands, progress), alone)
    finally:
        alone.unlink(missing_ok=True)


def toolbox_id(archive: Path) -> str:
    """Return the id of our image: the digest of its configuration."""
    with tarfile.open(archive) as tar:
        config = _entry(tar, versions.TOOLBOX_IMAGE)["Config"]
    return f"sha256:{config.removesuffix('.json')}"


def extract(archive: Path, name: str, target: Path) -> None:
    """Write an archive of one image of `archive`, which is as `docker save` writes."""
    with tarfile.open(archive) as source, tarfile.open(target, "w") as copy:
        entry = _entry(source, name)
        for part in (entry["Config"], *entry["Layers"]):
            member = source.getmember(part)
            copy.addfile(member, source.extractfile(member))
        manifest = json.dumps([entry]).encode()
        info = tarfile.TarInfo("manifest.json")
        info.size = len(manifest)
        copy.addfile(info, io.BytesIO(manifest))


def _entry(tar: tarfile.TarFile, name: str) -> dict:
    manifest = json.load(tar.extractfile("manifest.json"))
    return next(entry for entry in manifest if name in entry["RepoTags"])
