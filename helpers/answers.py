"""Send one GET for an explorer, and say in words what came back."""

import json
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from helpers import explorer
from helpers.callers import Caller
from helpers.explorer import Request, Target

#: seconds that the server may be silent
SILENCE = 10.0
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

    def sentence(self) -> str:
        """Return the status, and what the server says of it or of a long list."""
        head = f"{self.status} {self.reason}".strip()
        kind = self.received.get("Content-Type", "no type").partition(";")[0]
        facts = f"{self.milliseconds:,.0f} ms, {self.size:,} bytes, {kind}."
        said = explorer.left_out(self.content)
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


def ask(caller: Caller, target: Target, *, table: bool = False) -> Answer:
    """Ask for a target; any status is an answer. Raise what `Caller.get` raises."""
    asked = explorer.request(target, table=table)
    headers = {"Accept": asked.accept, "Accept-Encoding": "identity"}
    headers["User-Agent"] = AGENT
    began = time.monotonic()
    answer = caller.stream(asked.path, headers=headers, silence=SILENCE)
    try:
        body = answer.read(MOST)
    finally:
        answer.close()
    if caller.shows == "token":
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
    )


def _aligned(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    cells = [list(columns), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "   ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
