"""Show what the API server says while it changes: views for JupyterLab.

Each view has a text form (`print(view)`), the same facts as data, and an end (`stop`).
ipywidgets is imported below here and nowhere else.
"""

from helpers.widgets.pods import live_pods

__all__ = ["live_pods"]
