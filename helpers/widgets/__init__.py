"""Show what the API server says while it changes: views for JupyterLab.

Each view has a text form (`print(view)`), the same facts as data, and an end (`stop`).
ipywidgets and anywidget are imported below here and nowhere else.
"""

from helpers.widgets.explorer import api_explorer
from helpers.widgets.journey import request_journey
from helpers.widgets.pods import live_pods

__all__ = ["api_explorer", "live_pods", "request_journey"]
