"""The public names of the helpers; notebooks import from here only.

Python loads a name when it is first used, so `import helpers` is quick.
"""

import importlib

_HOME = {
    "ApiServer": "cluster.controlplane.apiserver",
    "Caller": "helpers.api.caller",
    "KubectlProxy": "helpers.api.proxy",
    "NotSolved": "helpers.errors",
    "Token": "helpers.api.tokens",
    "api_resources": "helpers.api.discovery",
    "ask": "helpers.api.pods",
    "ask_ambassador": "helpers.api.ambassadors",
    "audit_log": "helpers.views.audit",
    "backdate": "helpers.api.tokens",
    "begin_exam": "helpers.exercises.exam",
    "break_copies": "helpers.exercises.drills",
    "can_i": "helpers.views.permissions",
    "checks": "helpers.exercises.checks",
    "connect": "helpers.connection",
    "create_token": "helpers.api.tokens",
    "excess": "helpers.views.permissions",
    "exec_in_pod": "helpers.api.pods",
    "exercise": "helpers.course.exercise",
    "explain": "helpers.messages",
    "field_owners": "helpers.views.managedfields",
    "follow_request": "helpers.views.journey",
    "kubeconfig_certificates": "helpers.api.certificates",
    "kubectl": "helpers.command",
    "over_grants": "helpers.rbac.objects",
    "play_kubelet": "helpers.api.ambassadors",
    "progress": "helpers.course.board",
    "read_certificates": "helpers.api.certificates",
    "read_rbac": "helpers.rbac.objects",
    "read_schema": "helpers.api.schemas",
    "read_token": "helpers.api.tokens",
    "review_token": "helpers.rbac.reviews",
    "run_ambassador": "helpers.api.ambassadors",
    "server_certificate": "helpers.api.certificates",
    "show_requests": "helpers.views.requestlines",
    "status_table": "helpers.api.caller",
    "tamper": "helpers.api.tokens",
    "ten_questions": "helpers.course.questions",
    "verify_server": "helpers.api.certificates",
    "wait_for": "helpers.api.pods",
    "wait_for_file": "helpers.api.pods",
    "wait_for_log": "helpers.api.pods",
    "widgets": "helpers.views.widgets",
    "write_app": "helpers.exercises.drills",
}

#: the names of modules; the others are names in a module
_MODULES = ("checks", "widgets")

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    """Load a public name from its module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'helpers' has no attribute {name!r}")
    home = _HOME[name]
    value = importlib.import_module(home)
    if name not in _MODULES:
        value = getattr(value, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
