"""The token in a file of a pod: its claims, how long it lives, and who comes next.

The facts are those of `helpers.tokenclocks`. The token itself is never shown.
"""

from datetime import UTC, datetime

import pandas as pd

from cluster import errors
from cluster.waiting import until
from helpers import tokenclocks
from helpers.command import kubectl
from helpers.followers import BROKEN, Follower
from helpers.reviews import current_namespace
from helpers.tokenclocks import COLUMNS, TokenClock
from helpers.tokens import MOUNTED, Token
from helpers.widgets import markup
from helpers.widgets.live import Live
from helpers.widgets.view import View

#: rotations that are drawn, newest first; `frame()` has them all
LATEST = 8


def token_clock(
    pod: str, *, path: str = MOUNTED, container: str = "", namespace: str | None = None
) -> "TokenClockView":
    """Show the claims of the token in a file of a pod, its times, and each rotation.

    `frame()` has a row per token that the file held, `claims()` the newest one's. The
    same as `kubectl exec POD -- cat PATH` again and again, decoded and not shown. Raise
    NotConnected before `connect()`.
    """
    where = current_namespace() if namespace is None else namespace
    return TokenClockView(pod, path, container, where)


class TokenClockView(View):
    """A token's times as they run down, and the tokens that came after it."""

    def __init__(self, pod: str, path: str, container: str, namespace: str) -> None:
        """Follow the file from now on, until `stop`."""
        self.model = TokenClock()
        self._pod, self._path = pod, path
        self._namespace, self._container = namespace, container
        #: whether the kubelet keeps the file; None until the pod was asked for
        self._kept: bool | None = None
        self._hands, self._claims = Live(), Live()
        super().__init__(
            f"Token in {path} of pod {pod}", self._hands, self._claims, every=1.0
        )
        self._follower = Follower(
            pod, path, self._see, namespace=namespace, container=container
        )
        try:
            self._follower.start()
        except errors.LabError:
            self.close()
            raise
        self.changed()

    def frame(self) -> pd.DataFrame:
        """Return a row per token: JTI, BOUND TO, ISSUED, RENEWED FROM, EXPIRES, SEEN.

        The times are in UTC; RENEWED FROM is when a kubelet would ask for the next.
        """
        return self.model.frame()

    def claims(self) -> dict:
        """Return the claims of the newest token, or an empty dict."""
        newest = self._newest()
        return newest.token.claims() if newest else {}

    def wait_for(self, token: Token, *, timeout: float = 30.0) -> None:
        """Wait until the file has held a token; raise NotReady after `timeout` s."""
        if not until(lambda: self.model.has_held(token.id), timeout):
            what = f"Token {token.id[:8]} in {self._path}"
            raise errors.NotReady(what, timeout, self._sentence())

    def draw(self) -> None:
        """Draw the times, which run; and the claims, when the token is another."""
        now = datetime.now(UTC)
        with self.model.lock:
            held = list(self.model.held)
        if held:
            rows = [("issued (iat)", _ago(held[-1].times.issued, now))]
            rows += tokenclocks.hands(held[-1].times, now, kept=self._kept)
            caption = f"The token that is in the file, {held[-1].token.id[:8]}…"
            self._hands.value = markup.block(
                markup.table(("WHAT", "WHEN"), rows, caption=caption)
                + f"<p>{markup.text(tokenclocks.who_renews(self._kept))}</p>"
            )
            claims = _history(held) + _decoded(held[-1].token)
            self._claims.value = markup.block(claims)
        self.say(self._sentence())

    def text(self) -> str:
        """Return the times and the tokens that the file held."""
        newest = self._newest()
        if newest is None:
            return self._sentence()
        hands = tokenclocks.hands(newest.times, datetime.now(UTC), kept=self._kept)
        lines = [self._sentence(), *(f"{what}: {when}" for what, when in hands)]
        lines += filter(None, [tokenclocks.who_renews(self._kept)])
        for name, value, meaning in tokenclocks.claim_rows(newest.token):
            lines.append(
                f"  {name}: {value} {f'({meaning})' if meaning else ''}".rstrip()
            )
        shown = pd.DataFrame(_rows(self.model.held), columns=_SHOWN)
        return "\n".join([*lines, shown.to_string(index=False)])

    def stopping(self) -> None:
        """End the process in the pod."""
        self._follower.stop()

    def _see(self, seen) -> None:
        if seen.kind == BROKEN:
            # It may come back as another pod of that name.
            self._kept = None
        elif self._kept is None:
            self.work(self._look)
        self.model.see(seen)
        self.changed()

    def _look(self) -> None:
        """Ask how the file came into the pod."""
        where = f"--namespace={self._namespace}"
        done = kubectl("get", "pod", self._pod, where, "--output=json", check=False)
        if done.exit_code == 0:
            pod = done.json()
            self._kept = tokenclocks.projected(pod, self._path, self._container)
            self.changed()

    def _newest(self) -> tokenclocks.Held | None:
        with self.model.lock:
            return self.model.held[-1] if self.model.held else None

    def _sentence(self) -> str:
        model = self.model
        if model.trouble and not model.reached:
            return f"Pod {self._pod} cannot be looked into: {model.trouble}"
        if model.trouble:
            return f"No token in the file: {model.trouble}"
        if not model.held:
            return f"Looking into pod {self._pod}."
        newest, rotations = model.held[-1], len(model.held) - 1
        subject = newest.token.subject
        if not rotations:
            return f"A token of {subject}. No rotation seen yet."
        seen = f"{newest.seen.astimezone():%H:%M:%S}"
        return f"A token of {subject}. Rotations seen: {rotations}, the last at {seen}."


_SHOWN = [name for name in COLUMNS if name != "RENEWED FROM"]


def _rows(held: list[tokenclocks.Held]) -> list[list[str]]:
    return [
        [
            one.token.id,
            one.token.bound_to,
            *(
                f"{at:%H:%M:%S}" if at else "never"
                for at in (one.times.issued, one.times.expires, one.seen)
            ),
        ]
        for one in held
    ]


def _history(held: list[tokenclocks.Held]) -> str:
    rows = list(reversed(_rows(held)))
    caption = f"Tokens that the file held, newest first, times in UTC: {len(held):,}"
    return markup.table(_SHOWN, rows[:LATEST], caption=caption)


def _decoded(token: Token) -> str:
    caption = "Its claims, decoded and not verified"
    columns = ("CLAIM", "VALUE", "MEANS")
    return markup.table(columns, tokenclocks.claim_rows(token), caption=caption)


def _ago(moment: datetime, now: datetime) -> str:
    return f"{(now - moment).total_seconds():,.0f} s ago"
