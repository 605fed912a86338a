"""Connect a notebook to a cluster. READ FIRST: every lesson begins here.

A notebook never owns the cluster: restarting the kernel leaves the cluster running.
"""

import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cluster import backends, progress
from cluster.kubeconfig import (
    current_entries,
    entry_of,
    pem_of,
    read_kubeconfig,
    server_of,
)
from cluster.processes import is_same_start, start_time
from cluster.waiting import poll
from helpers import errors, needs
from helpers.command import (
    backend_in_use,
    kubectl,
    time_limit,
    use_backend,
    use_kubeconfig,
)
from helpers.course import lessons
from helpers.language import mark, say
from helpers.shell import add_magic

LESSON = "kubernetes-api-notebooks/lesson"
#: annotations: the kernel that made a namespace, and the host that it runs on
OWNER = "kubernetes-api-notebooks/owner"
HOST = "kubernetes-api-notebooks/host"

#: seconds until a new namespace must usually have its first account
CREATION = 30.0
#: seconds until a namespace must usually be gone
DELETION = 60.0
#: seconds in which the node usually looks at the pods from before a start
RESTART = 20.0


def connect() -> "Cluster":
    """Attach to the running cluster, or start a cluster and show the progress.

    Set KUBECONFIG, PATH and SERVER of this kernel, so that `!kubectl` uses the same
    cluster; `~/.kube/config` is neither read nor written. Raise LabError with the cause
    and a way out. In a shell: `.venv/bin/kapi up`. `cluster.backends` chooses what
    runs the cluster; LAB_BACKEND overrides the choice.
    """
    view = progress.for_here()
    backend = backends.current(progress=view)
    running, ended = backend.running(), backend.why_it_ended()
    began = time.time()
    # Even if it runs: it may still be starting, or its kubeconfig may be broken.
    backend.up(view)
    if not running:
        view.finish(say("The cluster is ready."))
        for line in backend.news(ended):
            print(line)
    binaries = backend.binaries()
    if binaries is not None:
        _prepend_path(binaries)
    use_backend(backend)
    _bypass_proxies()
    use_kubeconfig(backend.kubeconfig)
    add_magic()
    cluster = Cluster.read(backend.name, backend.kubeconfig)
    os.environ["SERVER"] = cluster.server
    needs.know(backend.name, cluster.version)
    if line := needs.client_warning():
        print(line)
    if not running:
        _wait_for_pods(began)
    # Run alone, after the cluster was away: what follows must not be in `default`.
    name = os.environ.get("NAMESPACE", "")
    if name and cluster._kubeconfig_of(name).exists():
        cluster._use_namespace(name)
    return cluster


@dataclass(frozen=True)
class Cluster:
    """The cluster that this notebook is connected to.

    `kubeconfig` is the file, `context` the entry in it, `server` the URL of the API
    server, `version` that by which the server behaves, `backend` what runs it.
    """

    backend: str
    kubeconfig: Path
    context: str
    server: str
    version: str

    @classmethod
    def read(cls, backend: str, kubeconfig: Path) -> "Cluster":
        """Read the kubeconfig and ask the server for its version."""
        document = read_kubeconfig(kubeconfig)
        context = document["current-context"]
        version = kubectl("version", "-o", "json").json()["serverVersion"]
        return cls(
            backend,
            kubeconfig,
            context,
            server_of(document, context),
            needs.effective_version(version),
        )

    def __repr__(self) -> str:
        return say(
            "Kubernetes {version} at {server} ({backend} cluster, context {context})",
            **vars(self),
        )

    def signing_key(self) -> bytes:
        """Return the key that signs ServiceAccount tokens, as PEM.

        Raise NoSigningKey for a cluster that keeps it to itself.
        """
        return backend_in_use().signing_key()

    def authority_file(self) -> Path:
        """Write the authority that signed for the server to a PEM file for curl.

        Return its path, beside the kubeconfig; shell cells find it in `$CA`. Raise
        KubeconfigError if that names no authority. The same as `kubectl config view
        --raw --flatten --minify` with `base64 --decode`.
        """
        entry, _ = current_entries(self.kubeconfig)
        pem = pem_of(entry, "certificate-authority", self.kubeconfig)
        if pem is None:
            message = say("names no certificate authority.")
            hint = say("This machine's own list is used: leave out --cacert.")
            raise errors.KubeconfigError(self.kubeconfig, message, hint)
        path = self.kubeconfig.with_name("server-ca.crt")
        # Another kernel may read it now.
        half = path.with_name(f"{path.name}.{os.getpid()}")
        half.write_text(pem)
        os.environ["CA"] = str(path)
        return half.replace(path)

    def create_namespace(self, lesson: str) -> str:
        """Create a labelled namespace for this notebook and make it the default.

        Return the name, which shell cells have in `$NAMESPACE`: `lesson`, or `lesson-2`
        and so on while that exists. Remove first what this kernel, or a kernel that has
        ended, made for the lesson. The same as `kubectl create namespace` and `kubectl
        config set-context --current --namespace`, in a kubeconfig of this kernel. Wait
        for the node if the lesson begins with a pod; raise NoNode if there is none.
        """
        if any(entry.topic == lesson and entry.pods for entry in lessons()):
            require_node()
        # An earlier run of the cell chose a kubeconfig that now goes.
        use_kubeconfig(self.kubeconfig)
        self._remove_abandoned(lesson)
        names = [lesson, *(f"{lesson}-{number}" for number in range(2, 1000))]
        name = next(name for name in names if self._try_to_create(name, lesson))
        backend_in_use().admit(name)
        limit = f"--timeout={time_limit(CREATION):.0f}s"
        kubectl(f"wait --for=create serviceaccount/default --namespace={name} {limit}")
        self._use_namespace(name)
        return name

    def delete_namespace(self, name: str) -> None:
        """Delete the namespace with everything in it; do not wait for the end.

        The controller begins 5 seconds later. A second call waits for the end; raise
        NotReady after a minute, with what keeps the namespace, such as a finalizer.
        Raise LabError for a namespace that no notebook made. The same as `kubectl
        delete namespace --wait=false`.
        """
        answer = kubectl("get", "namespace", name, "-o", "json", check=False)
        if answer.exit_code == 0:
            metadata = answer.json()["metadata"]
            labels = metadata.get("labels", {})
            if not backend_in_use().namespace_labels().items() <= labels.items():
                text = mark("The namespace {name} was not made by these notebooks.")
                hint = say("Delete it with kubectl if that is what you want.")
                raise errors.LabError(say(text, name=name), hint)
            if "deletionTimestamp" in metadata:
                _wait_until_gone(name)
            else:
                kubectl("delete", "namespace", name, "--wait=false")
        # The name stays the default, so that a cell that is run once more is refused
        # and makes nothing in the namespace `default`.

    def _try_to_create(self, name: str, lesson: str) -> bool:
        marks = {OWNER: f"{os.getpid()}/{start_time(os.getpid())}"}
        if host := backend_in_use().host():
            marks[HOST] = host
        manifest = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": name,
                "labels": backend_in_use().namespace_labels() | {LESSON: lesson},
                "annotations": marks,
            },
        }
        done = kubectl("create", "-f", "-", input=manifest, check=False)
        if done.exit_code and "AlreadyExists" not in done.stderr:
            raise errors.KubectlFailed(done.args, done.exit_code, done.stderr)
        return done.exit_code == 0

    def _remove_abandoned(self, lesson: str) -> None:
        marks = backend_in_use().namespace_labels() | {LESSON: lesson}
        selector = ",".join(f"{name}={value}" for name, value in marks.items())
        namespaces = kubectl(
            "get", "namespaces", f"--selector={selector}", "-o", "json"
        )
        for namespace in namespaces.json()["items"]:
            metadata = namespace["metadata"]
            annotations = metadata.get("annotations", {})
            owner, host = annotations.get(OWNER, ""), annotations.get(HOST, "")
            is_ours = owner.startswith(f"{os.getpid()}/")
            if _is_here(host) and (is_ours or not _is_alive(owner)):
                # It may go by itself meanwhile, at the end of a deletion.
                options = ("--wait=false", "--ignore-not-found")
                kubectl("delete", "namespace", metadata["name"], *options)
                self._kubeconfig_of(metadata["name"]).unlink(missing_ok=True)
        # Kubeconfigs of killed kernels, which hold credentials.
        for path in self.kubeconfig.parent.glob(f"{self.kubeconfig.name}.*.*"):
            owner = path.name.removeprefix(f"{self.kubeconfig.name}.")
            _, *host, pid = owner.split(".")
            if pid.isdigit() and _is_here(".".join(host)) and not _is_alive(pid):
                path.unlink(missing_ok=True)

    def _kubeconfig_of(self, name: str) -> Path:
        host = backend_in_use().host()
        parts = (self.kubeconfig.name, name, host, str(os.getpid()))
        return self.kubeconfig.with_name(".".join(filter(None, parts)))

    def _use_namespace(self, name: str) -> None:
        document = read_kubeconfig(self.kubeconfig)
        (entry_of(document, "context", self.context) or {})["namespace"] = name
        path = self._kubeconfig_of(name)
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(document, file)
        use_kubeconfig(path)
        os.environ["NAMESPACE"] = name


def require_node() -> None:
    """Wait for the node; raise NoNode with the lessons that need none."""
    try:
        backend_in_use().require_node(say("This lesson"))
    except errors.NoNode as error:
        numbers = ", ".join(lesson.number for lesson in lessons() if not lesson.pods)
        text = mark("lessons {numbers}, and whatever asks the API server alone")
        works = say(text, numbers=numbers)
        raise errors.NoNode(error.what, error.reason, works) from None


def _wait_until_gone(name: str) -> None:
    seconds = time_limit(DELETION)
    # It may end between the caller's look and this.
    options = (f"--timeout={seconds:.0f}s", "--ignore-not-found")
    done = kubectl("delete", "namespace", name, *options, check=False)
    if done.exit_code and "timed out" not in done.stderr:
        raise errors.KubectlFailed(done.args, done.exit_code, done.stderr)
    if done.exit_code:
        what = say("The end of the namespace {name}", name=name)
        hint = say("`kubectl get namespace {name} -o yaml` shows more.", name=name)
        raise errors.NotReady(what, seconds, _remaining_content(name), hint)


def _wait_for_pods(began: float) -> None:
    """Wait until no pod shows a container from before `began`, for RESTART seconds.

    Until then it seems to run, or is `Unknown`, and a command in it fails.
    """
    try:
        backend_in_use().require_node(say("A pod"), wait=False)
    except errors.LabError:
        return
    since = f"{datetime.fromtimestamp(began, UTC):%Y-%m-%dT%H:%M:%SZ}"

    def all_are_new() -> bool:
        pods = kubectl("get pods --all-namespaces -o json", check=False)
        return bool(pods.exit_code) or not any(
            _is_from_before(pod, since) for pod in pods.json()["items"]
        )

    poll(all_are_new, RESTART, what=say("the pods from before the start"))


def _is_from_before(pod: dict, since: str) -> bool:
    """Return whether a pod that is restarted shows a container from before a time."""
    if pod["spec"]["restartPolicy"] != "Always":
        return False
    if "deletionTimestamp" in pod["metadata"]:
        return False
    for status in pod["status"].get("containerStatuses", ()):
        state = status.get("state", {})
        started = state.get("running", {}).get("startedAt", since)
        reason = state.get("terminated", {}).get("reason", "")
        if started < since or reason.endswith("Unknown"):
            return True
    return False


def _remaining_content(name: str) -> str:
    """Return the server's sentences on what a namespace that is deleted still has."""
    answer = kubectl("get", "namespace", name, "-o", "json", check=False)
    if answer.exit_code:
        return answer.stderr.strip()
    conditions = answer.json()["status"].get("conditions", [])
    messages = [
        condition["message"]
        for condition in conditions
        if condition["status"] == "True"
    ]
    return " ".join(messages) or "Terminating"


def _is_here(host: str) -> bool:
    """Return whether a kernel runs on this host, so that we can see if it is alive."""
    return host in ("", backend_in_use().host())


def _is_alive(owner: str) -> bool:
    """Return whether a kernel of this host runs, by its pid and, if known, start."""
    pid, _, start = owner.partition("/")
    now = start_time(int(pid)) if pid.isdigit() else None
    return now is not None and (not start.isdigit() or is_same_start(now, int(start)))


def _bypass_proxies() -> None:
    """Keep this network's proxy out of requests of curl and Python to 127.0.0.1."""
    # As `urllib.request.getproxies_environment`, which takes long to load.
    if not any(
        value and name.lower().endswith("_proxy") for name, value in os.environ.items()
    ):
        return
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [host for host in os.environ.get(name, "").split(",") if host]
        if hosts != ["*"]:
            missing = [host for host in ("127.0.0.1", "localhost") if host not in hosts]
            os.environ[name] = ",".join([*hosts, *missing])


def _prepend_path(directory: Path) -> None:
    parts = os.environ.get("PATH", os.defpath).split(os.pathsep)
    if parts[0] != str(directory):
        os.environ["PATH"] = os.pathsep.join([str(directory), *parts])
