"""Show what the API server says while it changes: views for JupyterLab.

Each view has a text form (`print(view)`), the same facts as data, and an end (`stop`).
ipywidgets and anywidget are imported below here and nowhere else.
"""

from helpers.widgets.access import access_matrix
from helpers.widgets.downward import downward_view
from helpers.widgets.explorer import api_explorer
from helpers.widgets.journey import request_journey
from helpers.widgets.pods import live_pods
from helpers.widgets.tokenclock import token_clock
from helpers.widgets.wirelog import wire_log

__all__ = [
    "access_matrix",
    "api_explorer",
    "downward_view",
    "live_pods",
    "request_journey",
    "token_clock",
    "wire_log",
]
