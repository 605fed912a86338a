"""Write the HTML of a view: tables, folding trees, escaped text. Pure."""

import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from helpers.language import say

#: characters of a text in a cell or a tree, before it is cut
LONGEST = 300
#: children of a list or a map that are drawn; 5,000 would freeze a page
MOST = 100

_CSS = Path(__file__).parents[2] / "data" / "view.css"
STYLE = f"<style>{_CSS.read_text('utf-8')}</style>"


def block(content: str) -> str:
    """Return HTML in the style of the views."""
    return f'<div class="lab-view">{content}</div>'


def text(value: object) -> str:
    """Return a value as text that is safe in HTML and not too long."""
    whole = "" if value is None else str(value)
    if len(whole) > LONGEST:
        size = say("{count:,} characters", count=len(whole))
        whole = f"{whole[:LONGEST]}… ({size})"
    return escape(whole)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str
) -> str:
    """Return a table with a header row; the first cell of each row is its header."""
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in columns)
    body = "".join(
        f'<tr><th scope="row">{text(first)}</th>'
        f"{''.join(f'<td>{text(value)}</td>' for value in others)}</tr>"
        for first, *others in rows
    )
    return (
        f"<table><caption>{text(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def scroll_region(content: str, name: str, *, key: str = "") -> str:
    """Return a region with a name that scrolls, also by the keyboard.

    With another `key` it begins at its top.
    """
    if key:
        content = f'<div data-key="{escape(key)}">{content}</div>'
    return (
        f'<div class="lab-scroll" role="region" tabindex="0" '
        f'aria-label="{escape(name)}">{content}</div>'
    )


def tree(value: object, *, name: str = "answer", depth: int = 2) -> str:
    """Return JSON as a tree that folds; the first `depth` levels are open."""
    if isinstance(value, dict):
        children = [(str(key), child) for key, child in value.items()]
        sign = f"{{{len(children)}}}"
    elif isinstance(value, list):
        children = [(str(number), child) for number, child in enumerate(value)]
        sign = f"[{len(children)}]"
    else:
        literal = text(json.dumps(value, ensure_ascii=False))
        return f'<div class="lab-leaf lab-mono">{_key(name)}: {literal}</div>'
    if not children:
        empty = json.dumps(value)
        return f'<div class="lab-leaf lab-mono">{_key(name)}: {empty}</div>'
    inner = "".join(tree(c, name=key, depth=depth - 1) for key, c in children[:MOST])
    if len(children) > MOST:
        more = say("… and {count:,} more", count=len(children) - MOST)
        inner += f'<div class="lab-leaf">{more}</div>'
    opened = " open" if depth > 0 else ""
    return (
        f'<details{opened}><summary class="lab-mono">{_key(name)} {sign}</summary>'
        f"{inner}</details>"
    )


def status(sentence: str) -> str:
    """Return the status line, which a screen reader announces."""
    return f'<p role="status" aria-live="polite">{text(sentence)}</p>'


def _key(name: str) -> str:
    return f'<span class="lab-key">{text(name)}</span>'
