"""Keep which cluster the learner has agreed to, in `existing.json`."""

import json
import secrets
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from cluster.existing import rbac
from cluster.statedir import write_private

#: the file that marks a state directory as ours
RECORD = "existing.json"


@dataclass(frozen=True)
class Record:
    """The content of `existing.json`: the cluster that the learner has agreed to.

    `uid` is that of the namespace kube-system. `user` is whom the notebooks ask as.
    `source` is the learner's own kubeconfig; only `use`, a renewal and `delete` open
    it. `account_made`: `use` has made the account. `has_policy`: the server keeps its
    writes in namespaces of lessons. `expires` is when the token ends, in seconds since
    the epoch. `state` marks the namespaces that are made from this state directory.
    """

    uid: str
    server: str
    context: str
    version: str
    user: str
    source: str
    image: str = rbac.TOOLBOX
    account_made: bool = False
    has_policy: bool = True
    expires: float = 0.0
    state: str = field(default_factory=lambda: secrets.token_hex(4))

    @classmethod
    def read(cls, state: Path) -> "Record | None":
        """Return the record of a state directory, or None if there is none."""
        try:
            document = json.loads((state / RECORD).read_text())
            names = [field.name for field in fields(cls)]
            # A later version may write more.
            return cls(**{name: document[name] for name in names if name in document})
        except (OSError, ValueError, TypeError):
            # Our records are written whole or not at all; any other file is not ours.
            return None

    def write(self, state: Path) -> None:
        """Write the record, only for its owner; raise OSError."""
        write_private(state / RECORD, json.dumps(asdict(self), indent=2))
