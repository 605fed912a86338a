"""Help a learner talk to the Kubernetes API server: the one door.

Notebooks import from here only. Names are loaded when they are first used, so that
`import helpers` starts nothing and is quick.
"""

import importlib

_HOME = {
    "Caller": "helpers.callers",
    "Cluster": "helpers.cluster",
    "KubectlProxy": "helpers.proxy",
    "api_resources": "helpers.discovery",
    "api_versions": "helpers.discovery",
    "checks": "helpers.checks",
    "connect": "helpers.cluster",
    "exec_in_pod": "helpers.pods",
    "get_table": "helpers.tables",
    "kubeconfig_certificates": "helpers.certificates",
    "kubectl": "helpers.command",
    "read_certificates": "helpers.certificates",
    "server_certificate": "helpers.certificates",
    "verify_server": "helpers.certificates",
    "wait_for": "helpers.pods",
    "wait_for_file": "helpers.podfiles",
    "wait_for_output": "helpers.podfiles",
}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    """Load a public name from its module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'helpers' has no attribute {name!r}")
    home = _HOME[name]
    value = importlib.import_module(home)
    # `checks` is a module itself; the others stand in one.
    if home != f"{__name__}.{name}":
        value = getattr(value, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, for completion."""
    return __all__
