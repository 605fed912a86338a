"""Help a learner talk to the Kubernetes API server: the one door.

Notebooks import from here only. Names are loaded when they are first used, so that
`import helpers` starts nothing and is quick.
"""

import importlib

_HOME = {
    "Cluster": "helpers.cluster",
    "connect": "helpers.cluster",
    "kubectl": "helpers.command",
}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    """Load a public name from its module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'helpers' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, for completion."""
    return __all__
