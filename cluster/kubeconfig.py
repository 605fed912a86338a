"""Read kubeconfigs: find their problems, and how the user reaches the API server.

The one reader, and what writes those of our own clusters. Only what is read is checked;
kubectl and the server judge the rest. `kubernetes.config` takes 0.4 s to load and
leaves keys in files, so it is loaded only for credential plugins.
"""

import base64
import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cluster import errors
from cluster.language import mark, say
from cluster.statedir import write_private

_AGAIN = mark(
    "Run `.venv/bin/kapi up` and then the cell with `connect()`: both renew it."
)


@dataclass(frozen=True)
class Access:
    """The address and credential of a user; the repr holds no secret.

    `authority`, `certificate` and `key` are PEM text. Without an authority this
    machine's own list counts, without certificate and token it is nobody. `server_name`
    is what the server's certificate must hold, if not the host of the URL.
    """

    server: str
    authority: str | None = field(default=None, repr=False)
    certificate: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    server_name: str = ""
    proxy: str = ""
    insecure: bool = False


def server_access(path: Path) -> Access:
    """Return the connection to the current context's server, without a credential."""
    cluster, _ = current_entries(path)
    return Access(
        cluster["server"],
        pem_of(cluster, "certificate-authority", path),
        server_name=cluster.get("tls-server-name", ""),
        proxy=cluster.get("proxy-url", ""),
        insecure=cluster.get("insecure-skip-tls-verify", False),
    )


def user_access(path: Path) -> Access:
    """Return how the current context's user reaches the server; raise KubeconfigError.

    A credential plugin is run.
    """
    cluster, user = current_entries(path)
    token = user.get("token")
    if "tokenFile" in user:
        # As in client-go, it comes before a token: the file is the one renewed.
        token = _read(path, user["tokenFile"]).strip()
    certificate = pem_of(user, "client-certificate", path)
    key = pem_of(user, "client-key", path)
    if "exec" in user and not token:
        status = _run_plugin(path, cluster, user)
        token = status.get("token")
        certificate = status.get("clientCertificateData")
        key = status.get("clientKeyData")
    if not (certificate and key):
        certificate = key = None
    if not (token or certificate):
        message = say(
            "has no certificate with its key, no token and no credential plugin."
        )
        raise errors.KubeconfigError(path, message, say("kubectl alone can use it."))
    return replace(server_access(path), certificate=certificate, key=key, token=token)


def current_entries(path: Path) -> tuple[dict, dict]:
    """Return the cluster and user of the current context; do not print the user."""
    document = read_kubeconfig(path)
    context = entry_of(document, "context", document["current-context"]) or {}
    cluster = entry_of(document, "cluster", context["cluster"])
    return cluster or {}, entry_of(document, "user", context["user"]) or {}


def namespace_of(path: Path) -> str:
    """Return the namespace of the current context of a kubeconfig."""
    document = read_kubeconfig(path)
    context = entry_of(document, "context", document["current-context"]) or {}
    return context.get("namespace") or "default"


def entry_of(document: dict, kind: str, name: object) -> dict | None:
    """Return the cluster, user or context (`kind`) of a name, or None."""
    entries = document.get(f"{kind}s")
    for item in entries if isinstance(entries, list) else ():
        if isinstance(item, dict) and item.get("name") == name:
            entry = item.get(kind)
            return entry if isinstance(entry, dict) else None
    return None


def pem_of(entry: dict, key: str, kubeconfig: Path) -> str | None:
    """Return PEM text that a kubeconfig holds inline or by file name, or None."""
    if f"{key}-data" in entry:
        try:
            return base64.b64decode(entry[f"{key}-data"]).decode()
        except ValueError:
            message = say("has {key}-data that is no base64 of text.", key=key)
            raise errors.KubeconfigError(kubeconfig, message, say(_AGAIN)) from None
    return _read(kubeconfig, entry[key]) if key in entry else None


def read_kubeconfig(path: Path, *, context: str | None = None, hint: str = "") -> dict:
    """Return a kubeconfig as a dict; raise KubeconfigError with the way out.

    Its current context, or `context`, is there, with its cluster and user. The error
    without `context` lists those that are there.
    """
    hint = hint or say(_AGAIN)
    try:
        document = _parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise errors.KubeconfigError(path, say("is not YAML."), hint) from None
    except OSError as error:
        message = say("cannot be read: {reason}.", reason=error.strerror)
        raise errors.KubeconfigError(path, message, hint) from None
    except ValueError as error:
        raise errors.KubeconfigError(path, str(error), hint) from None
    if context and document and isinstance(document, dict):
        names = _names(document)
        if context not in names:
            listed = ", ".join(names) or say("none at all")
            hint = say("The contexts of this file: {names}.", names=listed)
    if reason := problem(document, context):
        raise errors.KubeconfigError(path, reason, hint)
    return document


def problem(document: object, wanted: str | None = None) -> str | None:
    """Return why a kubeconfig, or a context `wanted` in it, cannot be used, or None."""
    if not document:
        return say("is empty.")
    if not isinstance(document, dict):
        return say("is not a kubeconfig.")
    name = wanted or document.get("current-context")
    if not name:
        return say("has no current context.")
    context = entry_of(document, "context", name)
    if context is None:
        if wanted:
            return say("has no context {name!r}.", name=name)
        return say(
            "has no context {name!r}, which it calls the current one.", name=name
        )
    for kind in ("cluster", "user"):
        if entry_of(document, kind, context.get(kind)) is None:
            text = mark("has no {kind} {name!r}, which its context names.")
            return say(text, kind=kind, name=context.get(kind))
    if not (entry_of(document, "cluster", context["cluster"]) or {}).get("server"):
        return say("has no server for the cluster {cluster!r}.", **context)
    return None


def holds(document: Any, entries: dict) -> bool:
    """Return whether all of `entries` are in `document`, except for a namespace."""
    if problem(document):
        return False
    return all(
        _without_namespace(entry_of(document, kind, entry["name"])) == entry[kind]
        for kind in ("cluster", "user", "context")
        for entry in entries[f"{kind}s"]
    )


def server_of(document: dict, context: str) -> str:
    """Return the URL of the API server that `context` of a kubeconfig names."""
    named = entry_of(document, "context", context) or {}
    return (entry_of(document, "cluster", named["cluster"]) or {})["server"]


def embed(
    directory: Path, stem: str, *, server: str, context: str, user: str = ""
) -> dict:
    """Return a kubeconfig with embedded data: the CA and the pair of `stem`."""

    def b64(name: str) -> str:
        return base64.b64encode((directory / name).read_bytes()).decode()

    user = user or stem
    cluster = {"server": server, "certificate-authority-data": b64("ca.crt")}
    pair = {
        "client-certificate-data": b64(f"{stem}.crt"),
        "client-key-data": b64(f"{stem}.key"),
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": cluster}],
        "users": [{"name": user, "user": pair}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": user}}],
        "current-context": context,
    }


def write_embedded(
    directory: Path, stems: Iterable[str], *, server: str, context: str
) -> None:
    """Write the kubeconfig of each component beside its certificate."""
    for stem in stems:
        document = embed(directory, stem, server=server, context=context)
        # JSON is YAML: no YAML writer is needed for what only programs read.
        write_private(directory / f"{stem}.conf", json.dumps(document, indent=1))


def _read(kubeconfig: Path, name: str) -> str:
    # A relative name counts from the kubeconfig, not from where we are.
    try:
        return (kubeconfig.parent / name).read_text()
    except OSError as error:
        text = mark("names the file {name}, which cannot be read: {reason}.")
        message = say(text, name=name, reason=error.strerror)
        raise errors.KubeconfigError(kubeconfig, message, say(_AGAIN)) from None


def _run_plugin(path: Path, cluster: dict, user: dict) -> dict:
    """Return the status of the ExecCredential that a credential plugin gives."""
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.config.exec_provider import ExecProvider
    from kubernetes.config.kube_config import ConfigNode

    folder = str(path.parent)
    try:
        return ExecProvider(
            ConfigNode("exec", user["exec"]), folder, ConfigNode("cluster", cluster)
        ).run()
    except (ConfigException, OSError) as error:
        message = say("has a credential plugin that fails: {reason}", reason=error)
        hint = say("Run it by hand, as in the kubeconfig; `kubectl` needs it, too.")
        raise errors.KubeconfigError(path, message, hint) from None


def _names(document: dict) -> list[str]:
    """Return the names of the contexts that can be named, sorted."""
    contexts = document.get("contexts")
    entries = contexts if isinstance(contexts, list) else ()
    names = [entry.get("name") for entry in entries if isinstance(entry, dict)]
    return sorted(name for name in names if isinstance(name, str))


def _without_namespace(entry: dict | None) -> dict | None:
    return entry and {key: entry[key] for key in entry if key != "namespace"}


def _parse(text: str) -> Any:
    """Return the content; raise ValueError that says where a text stops being YAML."""
    # JSON is YAML too, and it is what `up` writes. It spares the first answer of a
    # fresh process the YAML library, which takes half as long to load as Python.
    with contextlib.suppress(ValueError):
        return json.loads(text)
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = place and say("is not YAML in line {line}.", line=place.line + 1)
        raise ValueError(where or say("is not YAML.")) from None
