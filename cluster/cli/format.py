"""Shape the command line: help that keeps its lines, errors as one message, tables."""

import contextlib
import difflib
import inspect
import os
import re
import signal
import sys
from collections.abc import Iterator
from typing import Any, TextIO

import click

from cluster import errors, progress
from cluster.backend import waiting_text
from cluster.errors import with_commands
from cluster.language import mark, say

FAILED, NOT_RUNNING, NOT_READY, INTERRUPTED = 1, 3, 4, 130
EXIT_CODES = """
Exit codes:
  0    done
  1    it failed; stderr says why and what to do
  2    wrong usage
  3    status: the cluster does not run
  4    status: it runs and is not ready
  130  interrupted by Ctrl-C
"""


def keep_layout(text: str) -> str:
    """Mark the paragraphs that have indented lines, so that click keeps their lines."""
    paragraphs = with_commands(inspect.cleandoc(text)).split("\n\n")
    return "\n\n".join(f"\b\n{p}" if "\n " in f"\n{p}" else p for p in paragraphs)


#: how alike two words are, so that one may be a slip of the keyboard for the other
_ALIKE = 0.75
_LEVELS = {"fatal": ("✗", "red"), "warning": ("!", "yellow")}


def colours(stream: TextIO) -> bool:
    """Return whether it is a terminal that may show colours."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream.isatty() and not plain


def with_signs(text: str) -> str:
    """Give fatal and warning of a report their sign and colour."""

    def sign(match: re.Match[str]) -> str:
        mark, colour = _LEVELS[match[1]]
        return click.style(f"{mark} {match[1]}", colour)

    return re.sub(rf"^  ({'|'.join(_LEVELS)})\b", sign, text, flags=re.MULTILINE)


class Command(click.Command):
    """Write help as it stands in the docstring where lines are indented."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.help = keep_layout(self.help or "")


class Commands(click.Group):
    """Show a LabError as its message; keep the order in which commands are written."""

    command_class = Command

    def __init__(self, *args: Any, **options: Any) -> None:
        # Alone, it does what its function does, and no more is missing.
        options.setdefault("invoke_without_command", True)
        super().__init__(*args, **options)
        self.help = keep_layout(self.help or "")

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the commands in reading order."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; suggest others only for a slip of the keyboard."""
        name = args[0]
        if name in self.commands or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        near = difflib.get_close_matches(name, self.commands, cutoff=_ALIKE)
        meant = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        ctx.fail(f"No such command {name!r}.{meant}")

    def invoke(self, context: click.Context) -> Any:
        """Run the command; a learner's mistake ends with 1 and no traceback."""
        try:
            return super().invoke(context)
        except errors.LabError as error:
            word = say("error") + ":"
            word = click.style(word, "red") if colours(sys.stderr) else word
            click.echo(f"{word} {error}", err=True)
            context.exit(FAILED)
        except KeyboardInterrupt:
            click.echo(say("interrupted"), err=True)
            context.exit(INTERRUPTED)


@contextlib.contextmanager
def show_progress(done: str) -> Iterator[progress.Progress]:
    """Give a view of progress to the block; leave `done` or a finished line behind."""
    view = progress.Terminal()
    try:
        yield view
    except BaseException:
        view.leave()
        raise
    view.finish(done)


def confirm(question: str) -> bool:
    """Return whether a person agrees; the end of input and Ctrl-C are a no."""
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        return False
    finally:
        if not sys.stdin.isatty():
            click.echo(err=True)  # no Enter was pressed


@contextlib.contextmanager
def limit_interrupts() -> Iterator[None]:
    """Let Ctrl-C through once: a second would interrupt the cleanup after the first."""

    def once(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def status_text(status: dict, now: float) -> str:
    """Write a status (keys: `backend.STATUS`) for a person; pure."""
    phase = status["phase"]
    if phase == "not running":
        plain = mark("not running; start it with `.venv/bin/kapi up`")
        with_reason = mark("not running: {problem}; start it with `.venv/bin/kapi up`")
        problem = status["problem"]
        return with_commands(say(with_reason if problem else plain, problem=problem))
    waiting = waiting_text(status["awaited"], status["steps"])
    reason = status["problem"] or (waiting if status["awaited"] else "")
    limits = "enforced" if status["limits"] else "recorded, not enforced"
    absent = f"{', '.join(status['absent'])}: no node, so pods stay Pending"
    lines = [
        f"{phase}: {reason}" if reason else phase,
        f"server      {status['server']}",
        f"kubeconfig  {status['kubeconfig']}",
        *([f"limits      {limits}"] if status["limits"] is not None else []),
        *([f"ends        {status['ends']}"] if status["ends"] else []),
        *([f"not here    {absent}"] if status["absent"] else []),
    ]
    if status["components"]:
        head = f"{'component':<25}{'state':<12}{'for':>8}{'restarts':>10}  last exit"
        lines += ["", head]
    for name, part in status["components"].items():
        age = _duration(now - part["since"])
        lines.append(
            f"{name:<25}{part['state']:<12}{age:>8}{part['restarts']:>10}  "
            f"{part['last_exit'] or '-'}"
        )
    return with_commands("\n".join(lines))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
