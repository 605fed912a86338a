"""Remember which cluster is ours: its name, the engine, and whether it is whole."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from cluster import statedir
from cluster.statedir import write_private

#: by this file a state directory is known as kind's
NAME = "kind.json"


@dataclass(frozen=True)
class Record:
    """What `kind.json` holds.

    `made` is False from before the first container on until the cluster was ready
    once: who finds it so starts anew. `endpoint` is where the engine was then, "" if
    that is not known: `docker context use` changes who is asked.
    """

    cluster: str
    engine: str
    made: bool
    endpoint: str = ""

    @classmethod
    def read(cls, state: Path) -> "Record | None":
        """Return the record of a state directory, or None if there is none."""
        try:
            return cls(**json.loads((state / NAME).read_text()))
        except (OSError, ValueError, TypeError):
            # It is written whole or not at all; what else it may be is not ours.
            return None

    def write(self, state: Path) -> None:
        """Write it; raise StateError."""
        with statedir.usable(state):
            write_private(state / NAME, json.dumps(asdict(self)))


def forget(state: Path) -> None:
    """Remove the record, after the cluster."""
    (state / NAME).unlink(missing_ok=True)
