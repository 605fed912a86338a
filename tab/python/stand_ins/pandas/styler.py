"""A frame as a table of HTML, also with colours."""

import html
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .limits import refuse, whole
from .values import texts

if TYPE_CHECKING:
    from .frame import DataFrame

#: CSS for a value
Style = Callable[[Any], str]


@whole
class Styler:
    """A frame whose cells have colours."""

    def __init__(self, data: "DataFrame") -> None:
        self.data = data
        self._style: Style | None = None

    def __getattr__(self, name: str) -> Any:
        raise refuse("Styler", name)

    def map(self, func: Style) -> "Styler":
        """Give each cell the style that a function returns, as CSS."""
        self._style = func
        return self

    def __repr__(self) -> str:
        return repr(self.data)

    def _repr_html_(self) -> str:
        return table(self.data, self._style)


def table(frame: "DataFrame", style: Style | None = None, index: bool = True) -> str:
    """Return a frame as a table, indented as that of pandas."""
    lines = ['<table border="1" class="dataframe">', "  <thead>"]
    names = [html.escape(str(name)) for name in frame.columns]
    lines += _row(([""] if index else []) + names, "th", ' style="text-align: right;"')
    if index and frame.index.name is not None:
        lines += _row([html.escape(str(frame.index.name)), *[""] * len(names)], "th")
    lines += ["  </thead>", "  <tbody>"]
    columns = [[*frame[name]] for name in frame.columns]
    shown = [texts(column) for column in columns]
    for at, label in enumerate(frame.index):
        lines.append("    <tr>")
        if index:
            lines.append(f"      <th>{html.escape(str(label))}</th>")
        for values, words in zip(columns, shown, strict=True):
            lines.append(f"      {_cell(values[at], words[at], style)}")
        lines.append("    </tr>")
    return "\n".join([*lines, "  </tbody>", "</table>"])


def _row(cells: list[str], name: str, attribute: str = "") -> list[str]:
    inner = [f"      <{name}>{cell}</{name}>" for cell in cells]
    return [f"    <tr{attribute}>", *inner, "    </tr>"]


def _cell(value: Any, text: str, style: Style | None) -> str:
    css = style(value) if style else ""
    attribute = f' style="{html.escape(css)}"' if css else ""
    return f"<td{attribute}>{html.escape(text)}</td>"
