"""Check what an ambassador lets through, and whether it survives a token's expiry."""

from cluster.waiting import until
from helpers.caller import Caller
from helpers.pods import exec_in_pod
from helpers.tokens import Token

#: where the ambassador of the lesson listens
DOOR = "http://localhost:8001"
#: seconds until a token that ended is refused (the server caches good answers for 10),
#: and until a proxy that was just started answers
FORGOTTEN = 20.0
#: seconds for which kubectl proxy caches a token file, and some to spare
REMEMBERED = 60.0

#: what curl prints when nobody answered
NOBODY = "000"


def lets_only_read_pods(pod: str, namespace: str) -> str:
    """Diagnose what an ambassador lets through beside lists of pods and single pods.

    It asks from the container `main` of `pod`; the proxy refuses with 403 as text.
    """
    pods = f"/api/v1/namespaces/{namespace}/pods"
    if not until(lambda: status(pod, pods) != NOBODY, FORGOTTEN):
        return f"Nobody answers at {DOOR}: `kubectl logs {pod} -c ambassador` says why."
    for path in (pods, f"{pods}/{pod}"):
        code = status(pod, path)
        if code != "200":
            return f"GET {path} gives {code}, and the application needs it."
    others = {
        f"{pods}/{pod}/log?container=main": "a path has to end where yours ends: `$`",
        f"/api/v1/namespaces/{namespace}/configmaps": "name the paths to accept",
        "/version": "name the paths to accept",
        "/api/v1/namespaces/default/pods": "name the namespace in the path",
    }
    for path, way_out in others.items():
        if not refused_by_proxy(pod, path):
            return f"GET {path} still passes the proxy: {way_out}."
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        if not refused_by_proxy(pod, f"{pods}/nobody", method):
            return f"{method} still passes the proxy: name the methods to reject."
    return ""


def lives_on(pod: str, old: Token, new: Token) -> str:
    """Diagnose why the ambassador of `pod` does not outlive its token `old`.

    Waits until the API server refuses `old`, then asks through the ambassador.
    """
    if not until(lambda: status(pod, "/api") != NOBODY, FORGOTTEN):
        return f"Nobody answers at {DOOR}: `kubectl logs {pod} -c ambassador` says why."
    processes = exec_in_pod(pod, "ps", "-eo", "args", container="ambassador").stdout
    lines = [line for line in processes.splitlines() if line.startswith("kubectl")]
    if any("--token" in line for line in lines):
        return (
            "kubectl was started with --token, so it has that one token for ever; "
            "and every `ps` in the container shows it."
        )
    if not until(lambda: Caller.bearer(old).get("/api").status == 401, FORGOTTEN):
        return "The old token is still good: has its Secret been deleted?"
    if Caller.bearer(new).get("/api").status != 200:
        return "The new token is not good either: run the cells from the start."
    if not until(lambda: status(pod, "/api") == "200", REMEMBERED):
        return (
            f"{status(pod, '/api')} through the ambassador, a minute after the file "
            "changed: it does not read the file again."
        )
    return ""


def status(pod: str, path: str, method: str = "GET") -> str:
    """Return the status code of one request through the ambassador, "000" for none."""
    return _curl(pod, "-o", "/dev/null", "-X", method, DOOR + path)


def refused_by_proxy(pod: str, path: str, method: str = "GET") -> bool:
    """Say whether the proxy itself refused: 403 and one word, no Status object."""
    return _curl(pod, "-X", method, DOOR + path) == "Forbidden\n403"


def _curl(pod: str, *arguments: str) -> str:
    asked = ("curl", "-s", "--max-time", "10", "-w", "%{http_code}", *arguments)
    return exec_in_pod(pod, *asked, container="main").stdout
