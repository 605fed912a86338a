"""Draw pictures for a view, as SVG that takes the theme's colour of text.

matplotlib does the drawing, without pyplot: no window, no global state.
"""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from matplotlib import rc_context
from matplotlib.figure import Figure

#: Stands for the colour of text until JupyterLab's own is put in.
_INK = "#010203"
_THEMED = "var(--jp-content-font-color1, #1a1a1a)"
#: text stays text, in the page's fonts: Hangul and emoji too; no date, the same bytes
_RC = {
    "svg.fonttype": "none",
    "svg.hashsalt": "lab",
    "font.family": "sans-serif",
    "font.size": 9,
    **dict.fromkeys(
        ("text.color", "axes.edgecolor", "xtick.color", "ytick.color"), _INK
    ),
    "axes.labelcolor": _INK,
}
_INCHES = (8.2, 1.9)


def lanes(
    counts: Mapping[str, Sequence[int]],
    signs: Mapping[str, tuple[str, str]],
    *,
    label: str,
) -> str:
    """Return a plot with a lane per type: a sign for each second that has events.

    `counts` are per second, the last one now; `signs` give each lane, from the top, its
    sign and colour. More events make a larger sign. `label` says it all in words.
    """
    span = max((len(row) for row in counts.values()), default=1)
    names = list(signs)
    with rc_context(_RC):
        figure = Figure(figsize=_INCHES, layout="constrained")
        figure.patch.set_alpha(0)
        axes = figure.add_subplot(facecolor="none")
        for place, name in enumerate(names):
            row = counts.get(name, ())
            at = [second for second, count in enumerate(row) if count]
            sizes = [16 + 14 * min(row[second], 20) ** 0.5 for second in at]
            sign, colour = signs[name]
            seconds = [second + 0.5 - span for second in at]
            axes.scatter(
                seconds, [place] * len(at), s=sizes, marker=sign, c=colour, zorder=3
            )
        axes.set(xlim=(-span, 0), ylim=(len(names) - 0.5, -0.5))
        axes.set_yticks(range(len(names)), names)
        axes.set_xlabel("seconds ago", loc="right")
        marks = range(-span, 1, 10)
        axes.set_xticks(marks, [str(-mark) for mark in marks])
        axes.tick_params(length=0)
        axes.grid(axis="y", color=_INK, alpha=0.25)
        axes.spines[:].set_visible(False)
        return _svg(figure, label)


def in_words(counts: Mapping[str, Sequence[int]], names: Iterable[str]) -> str:
    """Return what `lanes` draws: how many events of each type, and how long ago."""
    told = []
    for name in names:
        row = counts.get(name, ())
        ago = [len(row) - second for second, count in enumerate(row) if count]
        if ago:
            first, last = f"{ago[0]} s", f"{ago[-1]} s"
            when = last if first == last else f"{first} to {last}"
            told.append(f"{sum(row):,} {name}, {when} ago")
    return "; ".join(told) or "none"


def _svg(figure: Figure, label: str) -> str:
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    # What comes before is for a file of its own.
    svg = re.sub(r"<metadata>.*?</metadata>", "", file.getvalue(), flags=re.DOTALL)
    svg = svg[svg.index("<svg") :].replace(_INK, _THEMED)
    name = f'<svg role="img" aria-label="{escape(label)}" style="max-width: 100%" '
    return svg.replace("<svg ", name, 1)
