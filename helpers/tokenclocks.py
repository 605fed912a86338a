"""Say when a token expires, when the kubelet renews it, and which tokens a file held.

Pure: it is told what was seen in the file, and what time it is. The rule is that of the
kubelet's token manager: https://kubernetes.io/docs/concepts/storage/projected-volumes/
"""

import posixpath
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pandas as pd

from cluster import errors
from helpers.followers import BROKEN, FILE, NO_FILE, Seen
from helpers.tokens import Token

#: the part of a token's life after which the kubelet asks for another
PART = 0.8
#: the kubelet renews no later than this, however long a token lives
AT_MOST = timedelta(hours=24)
#: up to how many seconds earlier, by chance: many pods must not ask at once
JITTER = 10

#: the annotation by which a pod says where `kubectl exec` goes
_DEFAULT = "kubectl.kubernetes.io/default-container"

COLUMNS = ["JTI", "BOUND TO", "ISSUED", "RENEWED FROM", "EXPIRES", "SEEN"]


@dataclass(frozen=True)
class Times:
    """When a token was issued, should be renewed, and expires, in UTC.

    `renewal` and `expires` are None for a token without end.
    """

    issued: datetime
    renewal: datetime | None
    expires: datetime | None

    @classmethod
    def read(cls, token: Token) -> "Times":
        """Take them from the claims; raise NotAToken.

        The kubelet counts the life that it asked for. Where the API server extends
        the tokens of pods to a year, that one ends at `warnafter` and not at `exp`.
        """
        claims = token.claims()
        if "iat" not in claims:
            raise errors.NotAToken("it has no `iat`")
        issued = datetime.fromtimestamp(claims["iat"], UTC)
        asked = claims.get("kubernetes.io", {}).get("warnafter") or claims.get("exp")
        if asked is None:
            return cls(issued, None, None)
        life = timedelta(seconds=asked - claims["iat"])
        return cls(issued, issued + min(PART * life, AT_MOST), token.expires)


@dataclass(frozen=True)
class Held:
    """A token that the file held, and when it was first seen there."""

    token: Token
    times: Times
    seen: datetime


@dataclass
class TokenClock:
    """The tokens that a file held, newest last; safe between threads."""

    held: list[Held] = field(default_factory=list)
    #: why nothing can be seen in the file now; "" while all is well
    trouble: str = ""
    #: whether the pod itself could be reached
    reached: bool = True

    def __post_init__(self) -> None:
        """Make the lock: a drawing never sees half of it."""
        self.lock = threading.Lock()

    def see(self, seen: Seen) -> None:
        """Take what a Follower has seen; the same token again is no rotation."""
        with self.lock:
            self.reached = seen.kind != BROKEN
            if seen.kind in (BROKEN, NO_FILE):
                self.trouble = seen.text
            elif seen.kind == FILE:
                self.trouble = self._take(seen)

    def frame(self) -> pd.DataFrame:
        """Return a row per token: JTI, BOUND TO, and its times in UTC."""
        with self.lock:
            held = list(self.held)
        return pd.DataFrame([row(one) for one in held], columns=COLUMNS)

    def has_held(self, token_id: str) -> bool:
        """Say whether a token was in the file, by its `jti`."""
        with self.lock:
            return any(one.token.id == token_id for one in self.held)

    def _take(self, seen: Seen) -> str:
        token = Token(seen.text.strip())
        try:
            times = Times.read(token)
        except errors.NotAToken as error:
            return error.fact
        if not self.held or self.held[-1].token.text != token.text:
            self.held.append(Held(token, times, seen.at))
        return ""


def row(held: Held) -> list:
    """Return the fields of one row; no part of it is secret."""
    times = held.times
    own = [held.token.id, held.token.bound_to]
    return [*own, times.issued, times.renewal, times.expires, held.seen]


def projected(pod: dict, path: str, container: str = "") -> bool:
    """Say whether the kubelet keeps a token at `path` in a container of the pod.

    Without `container` it is the one that `kubectl exec` takes. What is mounted by
    subPath stays as it was.
    """
    metadata, spec = pod["metadata"], pod["spec"]
    wanted = container or (metadata.get("annotations") or {}).get(_DEFAULT, "")
    containers = [*spec["containers"], *(spec.get("initContainers") or ())]
    found = next((c for c in containers if c["name"] == wanted), containers[0])
    tokens = {
        volume["name"]: source["serviceAccountToken"]["path"]
        for volume in spec.get("volumes") or ()
        for source in volume.get("projected", {}).get("sources") or ()
        if "serviceAccountToken" in source
    }
    return any(
        _real(f"{mount['mountPath']}/{tokens[mount['name']]}") == _real(path)
        for mount in found.get("volumeMounts") or ()
        if mount["name"] in tokens
        and not (mount.get("subPath") or mount.get("subPathExpr"))
    )


def hands(
    times: Times, now: datetime, *, kept: bool | None = None
) -> list[tuple[str, str]]:
    """Return what a clock would show: what comes, and in how long.

    `kept` says whether the kubelet keeps the file, None that it is not known.
    """
    if times.expires is None or times.renewal is None:
        return [("expires", "never: it has no `exp`")]
    return [
        (
            f"{'the kubelet asks' if kept else 'a kubelet would ask'} for the next",
            _until(times.renewal, now),
        ),
        ("expires (exp)", _until(times.expires, now)),
    ]


def claim_rows(token: Token) -> list[tuple[str, str, str]]:
    """Return the claims as rows: name, value, and what a number of seconds means."""
    rows = []
    for name, value in token.claims().items():
        if isinstance(value, dict):
            rows += [(f"{name}: {key}", *_cell(key, one)) for key, one in value.items()]
        else:
            rows.append((name, *_cell(name, value)))
    return rows


def who_renews(kept: bool | None) -> str:
    """Return in words who puts the next token into the file; "" if not known."""
    if kept is None:
        return ""
    if not kept:
        return (
            "The pod projects no token to this path, so no kubelet renews it: whoever "
            "wrote the file must."
        )
    return (
        f"The kubelet may ask up to {JITTER} s earlier, and swaps the file in its next "
        "round, within about a minute."
    )


def _real(path: str) -> str:
    # In all usual images /var/run is a link to /run.
    return re.sub("^/var/run/", "/run/", posixpath.normpath(path))


def _cell(name: str, value: object) -> tuple[str, str]:
    if name in ("iat", "nbf", "exp", "warnafter") and isinstance(value, int):
        return str(value), f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, dict):
        return ", ".join(f"{key} {one}" for key, one in value.items()), ""
    if isinstance(value, list):
        return ", ".join(map(str, value)), ""
    return str(value), ""


def _until(moment: datetime, now: datetime) -> str:
    left = round((moment - now).total_seconds())
    clock = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    if left < 0:
        return f"{-left:,} s ago, at {clock}"
    return f"in {left:,} s, at {clock}"
