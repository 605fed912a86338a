"""Views for JupyterLab: each has a text form, the same facts as data, and `stop()`.

ipywidgets and anywidget are imported in this package only.
"""

from helpers.widgets.explorer import api_explorer
from helpers.widgets.journey import request_journey
from helpers.widgets.pods import live_pods

__all__ = ["api_explorer", "live_pods", "request_journey"]
