"""Views for JupyterLab: each has a text form, the same facts as data, and `stop()`.

Only views import ipywidgets and anywidget. Python loads a view when it is first used.
"""

import importlib

_HOME = {
    "api_explorer": "helpers.widgets.explorer",
    "live_pods": "helpers.deeper.livepods",
    "request_journey": "helpers.widgets.journey",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    """Load a view from its module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'helpers.widgets' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
