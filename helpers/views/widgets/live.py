"""HTML that is updated in place.

`ipywidgets.HTML` replaces all elements with each value: a screen reader may miss a
status line, and focus, selection and scroll position are lost.
"""

from pathlib import Path

import anywidget
import traitlets

import helpers

_SCRIPT = Path(helpers.__file__).parent / "data" / "live.js"


class Live(anywidget.AnyWidget):
    """Safe HTML in `value`; an update keeps unchanged elements.

    An element with another `data-key` is replaced.
    """

    _esm = _SCRIPT.read_text("utf-8")
    value = traitlets.Unicode("").tag(sync=True)

    def __init__(self, value: str = "") -> None:
        # The margin of the controls beside it.
        super().__init__(value=value, layout={"margin": "var(--jp-widgets-margin)"})
