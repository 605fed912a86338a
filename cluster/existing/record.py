"""Remember which cluster the learner has agreed to, and how to know it again."""

import json
import secrets
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

#: by this file a state directory is known as ours
NAME = "own.json"
#: what a manifest of a lesson names, unless another image was named
TOOLBOX = "toolbox:1"


@dataclass(frozen=True)
class Record:
    """What `own.json` holds.

    `uid` is that of the namespace kube-system, which no other cluster has. `authority`
    is the SHA-256 of what the kubeconfig trusts, "" for this machine's own list.
    `state` marks namespaces that were made from this state directory. `kubectl` is the
    path of the genuine one. `namespaced` are the words for what is in namespaces there.
    """

    uid: str
    server: str
    authority: str
    context: str
    version: str
    user: str
    kubectl: str
    image: str = TOOLBOX
    state: str = field(default_factory=lambda: secrets.token_hex(4))
    namespaced: tuple[str, ...] = ()

    @classmethod
    def read(cls, state: Path) -> "Record | None":
        """Return the record of a state directory, or None if there is none."""
        try:
            found = json.loads((state / NAME).read_text())
            known = {each.name for each in fields(cls)}
            record = cls(**{name: found[name] for name in found if name in known})
            return replace(record, namespaced=tuple(record.namespaced))
        except (OSError, ValueError, TypeError):
            # It is written whole or not at all; what else it may be is not ours.
            return None

    def write(self, state: Path) -> None:
        """Write it, for its owner alone; raise OSError."""
        # Not on top: the check before each kubectl reads this module, and is quick.
        from cluster.statedir import write_private

        write_private(state / NAME, json.dumps(asdict(self), indent=2))
