"""HTML that is brought up to date in place, for what changes while somebody looks.

`ipywidgets.HTML` puts new elements into the page with each value: a screen reader then
may miss a status line, and focus, selection and scroll position are lost. This is no
sanitiser either: what comes in is escaped by `helpers.widgets.markup`.
"""

from pathlib import Path

import anywidget
import traitlets

import helpers

_SCRIPT = Path(helpers.__file__).parent / "data" / "live.js"


class Live(anywidget.AnyWidget):
    """Shows the HTML in `value`; elements that did not change stay the same ones.

    An element with another `data-key` than before shows something else: it begins anew.
    """

    _esm = _SCRIPT.read_text("utf-8")
    value = traitlets.Unicode("").tag(sync=True)

    def __init__(self, value: str = "") -> None:
        """Show `value`, HTML that is safe."""
        # As the controls beside it have it.
        super().__init__(value=value, layout={"margin": "var(--jp-widgets-margin)"})
