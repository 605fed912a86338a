"""Views for JupyterLab: each has a text form, the same facts as data, and `stop()`.

Only views import ipywidgets and anywidget. Python loads a view when it is first used.
"""

import importlib

_HOME = {
    "api_explorer": "helpers.views.widgets.explorer",
    "live_pods": "helpers.views.widgets.livepods",
    "request_journey": "helpers.views.widgets.journey",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    """Load a view from its module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
