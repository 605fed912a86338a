"""Find out which cluster a context leads to, before anybody agrees to it."""

import json
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from cluster import binaries, errors, paths, versions
from cluster.binaries.check import program_version
from cluster.existing import contexts, look
from cluster.existing.record import TOOLBOX, Record
from cluster.kubeconfig import read_kubeconfig, server_of
from cluster.progress import Progress
from cluster.statedir import write_private

#: minor versions that kubectl may be away from the server
SKEW = 1


@dataclass(frozen=True)
class Target:
    """A cluster as it was found: its record, its kubeconfig, and who asks it."""

    record: Record
    document: dict
    client: str

    def lines(self) -> list[str]:
        """Return what a person has to know before they agree."""
        away = distance(self.client, self.record.version)
        skew = "as they should be" if away <= SKEW else f"{SKEW} is supported"
        minors = "minor version" if away == 1 else "minor versions"
        return [
            f"server      {self.record.server}",
            f"cluster     {self.record.uid} (UID of kube-system)",
            f"context     {self.record.context}",
            f"user        {self.record.user}",
            f"version     {self.record.version}",
            f"kubectl     {self.client}, {away} {minors} away: {skew}",
            f"image       {self.record.image}",
        ]


def find(
    kubeconfig: Path, context: str, image: str | None, state: Path, progress: Progress
) -> Target:
    """Look at the cluster that a context of a kubeconfig leads to. It only reads.

    `state` is where the copy of the context goes if the learner agrees; until then
    there is one with another name. Raise KubeconfigError, Unreachable.
    """
    way_out = "Name another file, or mend this one."
    document = read_kubeconfig(kubeconfig, context=context, way_out=way_out)
    program = kubectl(progress, "")
    copied = contexts.take(document, context, kubeconfig.absolute().parent, program)
    asked = state / "kubeconfig.asked"
    write_private(asked, json.dumps(copied, indent=2))
    try:
        progress.update(f"asking {server_of(copied, context)}")
        uid = look.see(program, kubeconfig=asked).uid
        version = look.server(program, asked)[1]
        program = kubectl(progress, version)
        record = Record(
            uid=uid,
            server=server_of(copied, context),
            authority=contexts.authority(copied, asked),
            context=context,
            version=version,
            user=look.user(program, asked),
            kubectl=program,
            image=image or TOOLBOX,
            namespaced=look.namespaced(program, kubeconfig=asked),
        )
        return Target(record, copied, look.server(program, asked)[0])
    finally:
        asked.unlink(missing_ok=True)


def agreed(known: Record | None, found: Record, image: str | None) -> Record | None:
    """Return the record to go on with if the learner has agreed already; pure.

    None means: ask. Raise OtherCluster if the state directory knows another cluster.
    """
    if known is None:
        return None
    if known.uid != found.uid:
        raise errors.OtherCluster(found.server, found.uid, known.uid)
    return replace(found, state=known.state, image=image or known.image)


def kubectl(progress: Progress, server: str, *, known: str = "") -> str:
    """Return the path of the genuine kubectl: ours, or one on PATH that fits better.

    `server` is its version, "" if it is not known yet; `known` is the last choice.
    """
    if known and Path(known).exists():
        return known
    ours = str(binaries.ensure_kubectl(progress) / "kubectl")
    # Where `up` has set PATH, the first one there is the one that checks.
    checks = str(paths.state_dir() / "bin")
    others = [d for d in os.get_exec_path() if d != checks]
    other = shutil.which("kubectl", path=os.pathsep.join(others))
    if not server or not other or distance(versions.KUBERNETES, server) <= SKEW:
        return ours
    # Not `version`, which may ask a server: the one that the ambient context names.
    theirs = program_version([other, "version", "--client", "--kubeconfig=/dev/null"])
    if theirs and distance(theirs, server) < distance(versions.KUBERNETES, server):
        return other
    return ours


def distance(client: str, server: str) -> int:
    """Return how many minor versions lie between two, as v1.37.2 and v1.34.0."""
    return abs(_minor(client) - _minor(server))


def _minor(version: str) -> int:
    return int(version.split(".")[1])
