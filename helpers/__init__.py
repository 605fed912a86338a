"""The public names of the helpers; notebooks import from here only.

Python loads a name when it is first used, so `import helpers` is quick.
"""

import importlib

_HOME = {
    "ApiServer": "cluster.controlplane.apiserver",
    "Caller": "helpers.caller",
    "KubectlProxy": "helpers.proxy",
    "Token": "helpers.tokens",
    "api_resources": "helpers.discovery",
    "ask": "helpers.pods",
    "ask_ambassador": "helpers.deeper.ambassadors",
    "audit_log": "helpers.audit",
    "backdate": "helpers.tokens",
    "begin_exam": "helpers.exam",
    "break_copies": "helpers.drills",
    "can_i": "helpers.reviews",
    "checks": "helpers.checks",
    "connect": "helpers.connection",
    "create_token": "helpers.tokens",
    "excess": "helpers.reviews",
    "exec_in_pod": "helpers.pods",
    "explain": "helpers.refusals",
    "field_owners": "helpers.managedfields",
    "follow_request": "helpers.journey",
    "kubeconfig_certificates": "helpers.certificates",
    "kubectl": "helpers.command",
    "over_grants": "helpers.rbac",
    "play_kubelet": "helpers.deeper.ambassadors",
    "progress": "helpers.course.board",
    "read_certificates": "helpers.certificates",
    "read_rbac": "helpers.rbac",
    "read_schema": "helpers.deeper.schemas",
    "read_token": "helpers.tokens",
    "review_token": "helpers.reviews",
    "run_ambassador": "helpers.deeper.ambassadors",
    "server_certificate": "helpers.certificates",
    "show_requests": "helpers.requestlines",
    "status_table": "helpers.caller",
    "tamper": "helpers.tokens",
    "ten_questions": "helpers.course.questions",
    "verify_server": "helpers.certificates",
    "wait_for": "helpers.pods",
    "wait_for_file": "helpers.pods",
    "wait_for_log": "helpers.pods",
    "widgets": "helpers.widgets",
    "write_app": "helpers.drills",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    """Load a public name from its module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'helpers' has no attribute {name!r}")
    home = _HOME[name]
    value = importlib.import_module(home)
    # `checks` and `widgets` are modules; the others are names in a module.
    if home != f"{__name__}.{name}":
        value = getattr(value, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
