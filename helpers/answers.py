"""Send one GET for an explorer, and say in words what came back."""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import urllib3

from helpers import explorer
from helpers.caller import Caller
from helpers.explorer import Request, Target

#: seconds that the server may be silent
SILENCE = 10.0
#: seconds for a whole answer; that of a watch has no end
DEADLINE = 15.0
#: bytes of an answer that are read
MOST = 20_000_000
AGENT = "kubernetes-api-notebooks"


class Answer(NamedTuple):
    """What was asked, and what came back; the token in `sent` is masked."""

    target: Target
    asked: Request
    table: bool
    sent: dict[str, str]
    status: int
    reason: str
    received: dict[str, str]
    milliseconds: float
    size: int
    content: Any
    #: False if there is more, or may be: it was too long, or did not end in time
    whole: bool = True

    def sentence(self) -> str:
        """Return the status, and what the server says of it or of a long list."""
        head = f"{self.status} {self.reason}".strip()
        kind = self.received.get("Content-Type", "no type").partition(";")[0]
        facts = f"{self.milliseconds:,.0f} ms, {self.size:,} bytes, {kind}."
        said = explorer.left_out(self.content)
        if not self.whole:
            said = "It did not end: this is what had come until then."
        if self.status >= 400 and isinstance(self.content, dict):
            said = self.content.get("message", "")
        return f"{head}, {facts} {said}".strip()

    def lines(self) -> list[str]:
        """Return the content as lines of text."""
        rows = explorer.rows(self.content) if self.table else None
        if rows:
            return _aligned(*rows)
        if isinstance(self.content, str):
            return self.content.splitlines()
        return json.dumps(self.content, indent=1, ensure_ascii=False).splitlines()


def ask(
    caller: Caller,
    target: Target,
    *,
    table: bool = False,
    opened: Callable[[urllib3.BaseHTTPResponse], None] = lambda _: None,
) -> Answer:
    """Ask for a target; any status is an answer. Raise what `Caller.get` raises.

    `opened` is given the answer before its body has come: whoever shuts it down ends
    the reading. After DEADLINE seconds, or MOST bytes, it ends by itself.
    """
    asked = explorer.request(target, table=table)
    headers = {"Accept": asked.accept, "Accept-Encoding": "identity"}
    headers["User-Agent"] = AGENT
    began = time.monotonic()
    answer = caller.stream(asked.path, headers=headers, silence=SILENCE)
    try:
        opened(answer)
        body, whole = _read(answer, began + DEADLINE)
    finally:
        answer.close()
    if caller.credential_kind == "token":
        headers["Authorization"] = "Bearer (masked)"
    return Answer(
        target,
        asked,
        table,
        headers,
        answer.status,
        answer.reason or "",
        dict(answer.headers),
        round(1000 * (time.monotonic() - began), 1),
        len(body),
        explorer.parsed(answer.headers.get("Content-Type", ""), body),
        whole,
    )


def _read(answer: urllib3.BaseHTTPResponse, until: float) -> tuple[bytes, bool]:
    """Return a body, and whether that is all of it."""
    parts, size = [], 0
    try:
        for part in answer.stream(1 << 16):
            parts.append(part)
            size += len(part)
            if size > MOST or time.monotonic() > until:
                return b"".join(parts)[:MOST], False
    except urllib3.exceptions.ReadTimeoutError:
        return b"".join(parts), False
    return b"".join(parts), True


def _aligned(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    cells = [list(columns), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "   ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
