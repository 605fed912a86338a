"""Say why the application of the drills gets no response from the API server."""

import re
import shlex
from datetime import UTC, datetime

from cluster.waiting import PASSING
from helpers import errors
from helpers.api.pods import exec_in_pod
from helpers.api.podstatus import conditions, why_not_ready
from helpers.api.tokens import FILES, read_token
from helpers.command import backend_in_use, current_namespace, kubectl
from helpers.course.exercise import SLOW
from helpers.exercises.drills import current_pod, last_line
from helpers.exercises.evidence import wait_for_evidence
from helpers.exercises.exam import LABEL as EXAM
from helpers.exercises.grants import fault_of_denial, fault_of_grant
from helpers.exercises.impostor import IMPOSTOR, PATH, TURNING, Meeting, hear
from helpers.language import mark, say
from helpers.rbac.refusals.unauthorized import diagnose
from helpers.rbac.reviews import review_token

#: a pattern of the application's line, and the layer of the failure; the first counts
_LAYERS = (
    (r"curl: \(6\)", "name"),
    (r"curl: \((7|28)\)", "address"),
    (r"curl: \((35|60|77)\)", "TLS"),
    (r"token: No such file|system:anonymous", "authentication"),
    (r"^401\b", "authentication"),
    (r"^403\b.* in the namespace \"(?!{namespace}\")", "namespace"),
    (r"^403\b", "authorization"),
)


def layer_of(line: str, namespace: str) -> str:
    """Return the layer of the failure in a line of the application, or "".

    `namespace` is the namespace of the application.
    """
    for pattern, layer in _LAYERS:
        if re.search(pattern.replace("{namespace}", namespace), line):
            return layer
    return ""


#: rounds of the application's own kind for which a line that says nothing is waited
ROUNDS = 2
#: seconds after which an application has usually come to the server of its copy: its
#: pod has had an answer
SILENT = 4.0
#: The application's requests in a round, to the genuine server; $1 is its own one. On
#: a slow machine it takes as much longer. It prints how curl ended at either, and after
#: how many seconds at the genuine one.
_ROUND = """
ask() { curl -q -s -k -o /dev/null -w '%{time_total}' --max-time "$1" "$2/version"; }
seconds=$(ask 60 https://kubernetes.default.svc); genuine=$?
ask 5 "$1" >/dev/null; echo "$? $genuine $seconds"; sleep 1
"""
#: seconds of such a request with which the application's own limit of 5 is no fault
PROMPT = 2.5

_ANSWERED = re.compile(r"^200: \d+ pods in (?P<namespace>\S+)$")
#: a response that may be another one in a moment
_PASSING = re.compile(rf"^({'|'.join(map(str, PASSING))})\b")
_HOST = re.compile(r"resolve host: (?P<host>[\w.-]+)")
#: the request of a copy that works; kubectl asks for pages
_LISTS = re.compile(rf"{PATH}/?(\?limit=500)?")
_ASKED = re.compile(r'in the namespace "(?P<namespace>[^"]*)"')


def demand_answer(deployment: str) -> None:
    """Raise NotSolved unless an application gets its answer, and gave up nothing."""
    if fault := fault_of_app(deployment):
        raise errors.NotSolved(fault)


def fault_of_app(deployment: str, account: str = "app") -> str:
    """Return why an application gets no response, or what its repair gave up, or "".

    Wait for the Deployment's current pod. The application must list the pods of its own
    namespace as `account`, with `ca.crt`, a token that is renewed, and no other right.
    Raise Undecided for a pod that has not started, and while there is no reason.
    """
    wanted = ("get", "deployment", deployment, "-o=jsonpath={.spec.replicas}")
    try:
        if kubectl(*wanted).stdout == "0":
            fault = mark(
                "There is no pod, because `replicas` is 0: run `kubectl scale "
                "deployment {name} --replicas=1`."
            )
            return say(fault, name=deployment)
    except errors.KubectlFailed as failed:
        if "NotFound" not in failed.stderr:
            raise
        return failed.stderr.strip()
    what = say("a running pod of Deployment {name}", name=deployment)
    pod, fault = wait_for_evidence(lambda: _running_pod(deployment), what)
    if fault:
        return fault
    line, fault = _last_round(pod)
    answered = _ANSWERED.search(line)
    if fault or not answered:
        return fault
    return weakness_of_app(deployment, pod, answered["namespace"], account)


def _running_pod(deployment: str) -> tuple[tuple[dict, str] | None, str]:
    """Return what `running_or_fault` does, for the current pod of a Deployment."""
    pod = current_pod(deployment)
    if pod is None:
        found = kubectl("get", "deployment", deployment, "-o", "json").json()
        if found["spec"].get("paused"):
            fault = mark(
                "Its rollout is paused, so there is no new pod: run `kubectl rollout "
                "resume deployment/{name}`."
            )
            return ({}, say(fault, name=deployment)), ""
        return None, conditions(found)
    return running_or_fault(pod)


def running_or_fault(pod: dict) -> tuple[tuple[dict, str] | None, str]:
    """Return a pod that runs with "", or with why it never will, and what was seen.

    None instead of the pod if it may still run.
    """
    statuses = pod.get("status", {}).get("containerStatuses", [])
    if statuses and all("running" in one["state"] for one in statuses):
        return (pod, ""), ""
    name = pod["metadata"]["name"]
    selector = f"--field-selector=involvedObject.name={name}"
    events = kubectl("get", "events", selector, "-o", "json").json()["items"]
    cause = why_not_ready(pod, events, backend_in_use().image_hint())
    # The runtime's own limits say only that the machine is slow.
    if not cause.hopeless or SLOW.search(cause.text):
        return None, cause.text
    fault = say("Pod {name} does not run: {state}.", name=name, state=cause.text)
    return (pod, f"{fault} {cause.hint}".rstrip()), cause.text


def _last_round(pod: dict) -> tuple[str, str]:
    """Return the last line of an application, and its fault or "".

    A line that is no answer decides if its reason is still there, or if there is none
    after as much time as the application takes for some rounds.
    """
    name, looks, rounds = pod["metadata"]["name"], 0, 0

    def look() -> tuple[tuple[str, str] | None, str]:
        nonlocal looks, rounds
        line = last_line(name)
        if _ANSWERED.search(line):
            return (line, ""), line
        reach, looks = "", looks + 1
        # A silent application has no reason to look at, so its rounds are counted.
        if looks > 1 or not line:
            server = _env(pod["spec"]).get("SERVER", "")
            reach = exec_in_pod(name, "sh", "-c", _ROUND, "sh", server).stdout
        if fault := cause_of_failure(line, pod, reach):
            return (line, fault), line
        # Its lines may all differ, such as the time.
        if reach and not _ANSWERED.search(last_line(name)):
            rounds += 1
        if rounds < ROUNDS or _PASSING.search(line) or not _is_prompt(reach):
            return None, line
        fault = mark(
            "The application reports {line!r}, and not `200: N pods in NAMESPACE`; see "
            "`kubectl logs {name}`."
        )
        return (line, say(fault, line=line, name=name)), line

    return wait_for_evidence(look, say("a round of the application in {pod}", pod=name))


def _is_prompt(reach: str) -> bool:
    """Return whether the genuine server answered in good time, in a round of ours."""
    words = reach.split()
    return len(words) == 3 and words[1] == "0" and float(words[2]) < PROMPT


def cause_of_failure(line: str, pod: dict, reach: str = "") -> str:
    """Return which layer failed, and which part of the pod is to blame, or "".

    Only what is so now is a cause: a line may be older than the last change. `reach` is
    what `_ROUND` printed, or "" before that ran.
    """
    layer = layer_of(line, current_namespace())
    if layer == "address" or "(35)" in line:
        # Nothing responds there, while the genuine server responds at once.
        if not _is_prompt(reach) or reach.startswith("0 "):
            return ""
    return _CAUSES[layer](line, pod) if layer else ""


def weakness_of_app(deployment: str, pod: dict, asked: str, account: str) -> str:
    """Return what an application gave up to get a response, or ""."""
    spec, name = pod["spec"], pod["metadata"]["name"]
    if asked != current_namespace():
        fault = mark(
            "namespace: it lists the pods of {asked}, and runs in {own}; an empty list "
            "is a response, too."
        )
        return say(fault, asked=asked, own=current_namespace())
    if spec["serviceAccountName"] != account:
        fault = mark(
            "It runs as ServiceAccount {account}. Use {copy}, and grant that account "
            "the rule."
        )
        return say(fault, account=spec["serviceAccountName"], copy=account)
    if fault := _excess(deployment) or _fault_of_age(deployment, pod):
        return fault
    if exec_in_pod(name, "test", "-s", f"{FILES}/ca.crt").exit_code:
        fault = mark(
            "TLS: there is no {path}/ca.crt, with which its curl can check who "
            "responds."
        )
        return say(fault, path=FILES)
    try:
        token = read_token(name, path=_token_path(spec))
    except errors.NotAToken:
        return _authentication("No such file", pod)
    if not token.expires:
        fault = mark(
            "authentication: this token never ends, so a copy of it works for ever; "
            "the pod's own one is renewed."
        )
        return say(fault) + " " + _origin(spec)
    if token.bound_to != f"pod/{name}":
        fault = mark(
            "authentication: this works until {end} UTC, because no one renews this "
            "token; the pod's own one is renewed."
        )
        return say(fault, end=f"{token.expires:%Y-%m-%d %H:%M}") + " " + _origin(spec)
    # Before the copy, which takes a pod.
    if fault := fault_of_grant(account, ["list"], "pods", apart=_copies()):
        return fault
    container = spec["containers"][0]
    words = [*container.get("command", ()), *container.get("args", ())]
    others = (IMPOSTOR, TURNING)
    genuine, impostor, turning = hear(pod, shlex.join(words), *others, silent=SILENT)
    return _fault_of_meetings(genuine, impostor, turning)


def _fault_of_meetings(genuine: Meeting, impostor: Meeting, turning: Meeting) -> str:
    """Return what an application did wrong in a copy of its pod, or ""."""
    if impostor.given:
        return say(
            "TLS: an impostor gets its request: let curl check the certificate with "
            "ca.crt."
        )
    if genuine.given or turning.given:
        return say(
            "TLS: an impostor on a later connection gets its request: let curl check "
            "the certificate on every connection."
        )
    if not genuine.reached:
        fault = mark(
            "address: with another SERVER and other files in {path}, it sends no "
            "request there: begin the URL with SERVER, and read `token`, `ca.crt` and "
            "`namespace` in that directory."
        )
        return say(fault, path=FILES)
    paths = [one.path for one in genuine.heard if one.credential == "own"]
    if not any(map(_LISTS.fullmatch, paths)):
        return say(
            "Asked with other files, it sends no request for the pods of their "
            "namespace with their token: look at the URL, and where it reads `token` "
            "and `namespace`."
        )
    # A line that the application makes up says nothing about a response.
    if {*genuine.counted} != {genuine.right} or impostor.counted:
        return say(
            "Its line `200: …` is not what the server returned: let it print the "
            "number of pods of each response with 200, and that line for no other."
        )
    return ""


def _excess(deployment: str) -> str:
    """Return what a Deployment runs that the application does not need, or ""."""
    wanted = ("get", "deployment", deployment, "-o=jsonpath={.spec.template.spec}")
    # From the template, because a cluster may add containers to every pod.
    spec = kubectl(*wanted).json()
    [first, *others] = spec["containers"]
    security = first.get("securityContext", {})
    parts = ("initContainers", "hostNetwork", "hostPID", "hostIPC")
    found = [part for part in parts if spec.get(part)]
    # A copy of the pod does not show what they do.
    found += [
        part for part in ("lifecycle", "livenessProbe", "startupProbe") if part in first
    ]
    found += [f"container {one['name']}" for one in others]
    found += ["hostPath" for one in spec.get("volumes", []) if "hostPath" in one]
    found += [part for part in ("privileged", "capabilities") if security.get(part)]
    fault = mark("The application does not need {part}: remove that from its pod.")
    return say(fault, part=found[0]) if found else ""


def _fault_of_age(deployment: str, pod: dict) -> str:
    """Return the fault of a pod that began before its ConfigMaps changed, or ""."""
    volumes = [one["configMap"] for one in pod["spec"]["volumes"] if "configMap" in one]
    if not volumes:
        return ""
    names = [f"configmap/{one['name']}" for one in volumes]
    names = [f"pod/{pod['metadata']['name']}", *names]
    now, *configs = kubectl("get", "--show-managed-fields", "-o=json", *names).json()[
        "items"
    ]
    running = now["status"]["containerStatuses"][0]["state"].get("running", {})
    for meta in [one["metadata"] for one in configs]:
        times = [one.get("time", "") for one in meta.get("managedFields", [])]
        if running and max(times, default="") > running["startedAt"]:
            fault = mark(
                "ConfigMap {config} has changed since the pod began: run `kubectl "
                "rollout restart deployment/{name}`, so that its script is the one "
                "that is judged."
            )
            return say(fault, config=meta["name"], name=deployment)
    return ""


def _name(line: str, pod: dict) -> str:
    if not (found := _HOST.search(line)):
        return ""
    host = found["host"]
    service, _, rest = host.partition(".")
    home = rest.partition(".")[0] or current_namespace()
    wanted = ("service", service, f"--namespace={home}")
    rest = rest.removeprefix(home).removesuffix(".cluster.local")
    if not kubectl("get", *wanted, "--ignore-not-found").stdout:
        fault = mark(
            "name: nothing is called {host}: there is no Service `{service}` in the "
            "namespace `{home}`. Look at SERVER."
        )
    elif rest in ("", ".svc"):
        # The name is right: DNS has not answered.
        return ""
    else:
        fault = mark(
            "name: nothing is called {host}: after the namespace the name continues "
            "with `svc`, as in `{service}.{home}.svc`. Look at SERVER."
        )
    return say(fault, host=host, service=service, home=home)


def _address(line: str, pod: dict) -> str:
    fault = mark("address: nothing responds at {server}. Look at SERVER.")
    return say(fault, server=_env(pod["spec"]).get("SERVER"))


def _tls(line: str, pod: dict) -> str:
    if "(77)" not in line:
        fault = mark(
            "TLS: the certificate of SERVER is not signed by the authority in ca.crt, "
            "or is for another name: {line}"
        )
        return say(fault, line=line)
    volume = _volume_at(pod["spec"], FILES)
    sources = volume.get("projected", {}).get("sources", [])
    fault = mark(
        "TLS: there is no file ca.crt: the sources of the volume at {path} are "
        "{kinds}. The certificate is in the ConfigMap kube-root-ca.crt."
    )
    kinds = ", ".join(kind for one in sources for kind in one)
    return say(fault, path=FILES, kinds=kinds)


def _authentication(line: str, pod: dict) -> str:
    spec, path = pod["spec"], _token_path(pod["spec"])
    if "system:anonymous" in line:
        return say(
            "authentication: the request has no credential: look at its header "
            "`Authorization: Bearer …`."
        )
    if "No such file" not in line:
        token = read_token(pod["metadata"]["name"], path=path)
        review = review_token(token)
        if review.authenticated:
            return ""
        found = diagnose(token, review, datetime.now(UTC))
        refused = say("authentication: the server refuses the token with 401.")
        return " ".join([refused, found.why, _origin(spec)])
    if not exec_in_pod(pod["metadata"]["name"], "test", "-s", path).exit_code:
        return ""
    if spec.get("automountServiceAccountToken") is False and path.startswith(FILES):
        return say(
            "authentication: there is no token: the pod declined its files, "
            "`automountServiceAccountToken: false`."
        )
    fault = mark("authentication: there is no file {path}: look at TOKEN and volumes.")
    return say(fault, path=path)


def _authorization(line: str, pod: dict) -> str:
    account = pod["spec"]["serviceAccountName"]
    what = re.search(r'resource "([^"]*)" in API group "([^"]*)"', line)
    if what and what.groups() != ("pods", ""):
        fault = mark(
            'path: it asks for {resource} in the API group "{group}", and pods are '
            "`pods` of the core group: look at the URL."
        )
        return say(fault, resource=what[1], group=what[2])
    # The rules may have come to allow it since the application asked; whether they
    # allow too much is no cause of its 403.
    fault = fault_of_denial(account, "list", "pods", apart=_copies())
    return fault and say("authorization: the server knows the account.") + " " + fault


def _copies() -> list[str]:
    """Return the ServiceAccounts of the copies of an exam, which may list pods, too."""
    names = "jsonpath={.items[*].spec.template.spec.serviceAccountName}"
    return kubectl(f"get deployments --selector={EXAM} -o {names}").stdout.split()


def _namespace(line: str, pod: dict) -> str:
    asked = _ASKED.findall(line)[0]
    fault = mark(
        "namespace: 403 at authorization, because the application requests pods of the "
        "namespace {asked}, and runs in {own}. Look at NAMESPACE."
    )
    return say(fault, asked=asked, own=current_namespace())


_CAUSES = {
    "name": _name,
    "address": _address,
    "TLS": _tls,
    "authentication": _authentication,
    "authorization": _authorization,
    "namespace": _namespace,
}


def _env(spec: dict) -> dict[str, str]:
    found = spec["containers"][0].get("env", [])
    return {one["name"]: one.get("value", "") for one in found}


def _token_path(spec: dict) -> str:
    return _env(spec).get("TOKEN") or f"{FILES}/token"


def _volume_at(spec: dict, path: str) -> dict:
    """Return the volume that a container has mounted at a path, or {}."""
    mounts = spec["containers"][0].get("volumeMounts", [])
    names = [mount["name"] for mount in mounts if mount["mountPath"] == path]
    return next((one for one in spec["volumes"] if one["name"] in names), {})


def _origin(spec: dict) -> str:
    """Say where the token of a pod comes from."""
    path = _token_path(spec)
    if secret := _volume_at(spec, path.rpartition("/")[0]).get("secret"):
        where = mark("The token is read from {path}, from the Secret {secret}.")
        return say(where, path=path, secret=secret["secretName"])
    return say("The token is read from {path}.", path=path)
