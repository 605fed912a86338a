"""Check the requests that a proxy passes, on this machine and in a pod."""

import re
import secrets
from collections.abc import Sequence
from ipaddress import ip_address
from itertools import product
from urllib.parse import urlsplit

from cluster.waiting import PASSING
from helpers.api.ambassadors import (
    AMBASSADOR,
    ask_ambassador,
    ask_ambassador_all,
    proxy_lines,
)
from helpers.api.caller import Reply
from helpers.api.pods import PodResponse, exec_in_pod
from helpers.api.proxy import REFUSAL, KubectlProxy
from helpers.command import current_namespace, kubectl
from helpers.course.exercise import exercise
from helpers.course.steps import name_step
from helpers.errors import NotReady, NotSolved, ProxyEnded, Undecided
from helpers.exercises.evidence import look_often
from helpers.language import mark, say

CONTAINER = "ambassador"
#: the port of an ambassador's proxy
PORT = urlsplit(AMBASSADOR).port
#: the place in a line of /proc/net/tcp for a socket that listens, and the file of one
#: in /proc/net/unix
_LISTENS = re.compile(r"^ *\d+: ([0-9A-F]+:[0-9A-F]{4}) [0-9A-F]+:0000 0A ", re.M)
_SOCKETS = re.compile(r"^\w+: \w+ \w+ 00010000 \w+ \w+ +\d+ (\S+)", re.M)
_END = mark(
    "GET {path} still passes the proxy: end the pattern with `$`, and let `[^/]+` be "
    "one part of the path."
)
_BEGIN = mark(
    "GET {path} still passes the proxy: begin the pattern with `^/api/v1/namespaces/`."
)
_ACCEPT = mark("GET {path} still passes the proxy: name the paths to accept.")
_PARTS = mark(
    "GET {path} still passes the proxy: begin with the whole path up to `pods`."
)
_NAMESPACE = mark("GET {path} still passes the proxy: name the namespace in the path.")


@exercise
def hide_secrets(guards: Sequence[str]) -> None:
    """Demand `--reject-paths` that pass pods, and neither Secrets nor exec."""
    any_one = _draw_name()
    namespaces = (current_namespace(), "kube-system", secrets.token_hex(4))
    homes = [f"/namespaces/{name}/" for name in namespaces]
    every = [("/", ""), *product(homes, ("", f"/{any_one}"))]
    # The name of a pod may have such a word in it.
    words = ("my-secret", "secrets", "exec", "attach")
    named = product(homes, (f"/{word}-{any_one}" for word in words))
    for guard in guards:
        if re.search(r"\{\d+,\d*\}", guard):
            fault = mark("kubectl splits {pattern!r} at the comma: write it without.")
            raise NotSolved(say(fault, pattern=guard))
    try:
        proxy = KubectlProxy(reject_paths=guards).start()
    except (NotReady, ProxyEnded) as error:
        if isinstance(error, NotReady):
            if error.last != f"403: {REFUSAL}":
                raise
            fault = mark("{path} is blocked: a pattern is too wide.")
            raise NotSolved(say(fault, path="/version")) from None
        said = error.message.rpartition("] ")[2]
        fault = mark("kubectl proxy does not work with these patterns: {said}")
        raise NotSolved(say(fault, said=said)) from None
    with proxy:

        def is_blocked(path: str) -> bool:
            # A watch would not end.
            return _is_refusal(proxy.get(path, params={"timeoutSeconds": 1}))

        for home, name in (*every, *named):
            if is_blocked(path := f"/api/v1{home}pods{name}"):
                fault = mark("{path} is blocked: a pattern is too wide.")
                raise NotSolved(say(fault, path=path))
        # The server reads a path with a slash at its end as one without.
        starts = ("/api/v1", "/api/v1/watch")
        for end, start, (home, name) in product(("", "/"), starts, every):
            if not is_blocked(path := f"{start}{home}secrets{name}{end}"):
                raise NotSolved(say("{path} passes: no pattern matches it.", path=path))
        for end, home, verb in product(("", "/"), homes, ("exec", "attach")):
            if not is_blocked(path := f"/api/v1{home}pods/{any_one}/{verb}{end}"):
                fault = mark(
                    "{path} passes: your list replaces kubectl's own, which blocked "
                    "it, so block {verb} as well, in every namespace."
                )
                raise NotSolved(say(fault, path=path, verb=verb))


@exercise
def narrow_ambassador(pod: str) -> None:
    """Demand an ambassador that passes lists of pods and single pods only."""
    namespace = current_namespace()
    pods = f"/api/v1/namespaces/{namespace}/pods"
    # The failure of curl in a pod that is not there would show curl's whole line.
    kubectl("get", "pod", pod)
    if not look_often(lambda: ask_ambassador(pod, pods).status):
        fault = mark(
            "Nothing responds at port 8001 of {pod}: `kubectl logs {pod} -c "
            "ambassador` shows why."
        )
        raise NotSolved(say(fault, pod=pod))
    if fault := _fault_of_files(pod):
        raise NotSolved(fault)
    name_step(say("sending requests to the proxy in {pod}", pod=pod))
    needed = {pods: 200, f"{pods}/{pod}": 200, f"{pods}/{_draw_name()}": 404}
    faults, methods = _faults(namespace, pod), ("POST", "PUT", "PATCH", "DELETE")
    address = kubectl("get", "pod", pod, "-o", "jsonpath={.status.podIP}").stdout
    requests = [
        *([AMBASSADOR + path] for path in needed),
        ["-H", "Host: other.example", AMBASSADOR + pods],
        *([AMBASSADOR + path] for path in faults),
        *(["-X", method, f"{AMBASSADOR}{pods}/nobody"] for method in methods),
        [f"http://{address}:{PORT}{pods}"],
    ]
    replies = ask_ambassador_all(pod, requests)
    # The last one is to a place where nobody should listen.
    if any(one.status == 0 or one.status in PASSING for one in replies[:-1]):
        raise Undecided(say("the responses of the proxy in {pod}", pod=pod))
    responses = iter(replies)
    for path, expected in needed.items():
        if (status := next(responses).status) != expected:
            fault = mark("GET {path} returns {status}, and the application needs it.")
            raise NotSolved(say(fault, path=path, status=status))
    if not _is_refusal(next(responses)):
        fault = mark(
            "A request for another host passes the proxy: leave out --accept-hosts and "
            "--disable-filter."
        )
        raise NotSolved(say(fault))
    for path, fault in faults.items():
        if not _is_refusal(next(responses)):
            raise NotSolved(say(fault, path=path))
    for method in methods:
        if not _is_refusal(next(responses)):
            fault = mark("{method} still passes the proxy: name the methods to reject.")
            raise NotSolved(say(fault, method=method))
    if next(responses).status:
        fault = mark("Every pod can reach the proxy at {address}: leave out --address.")
        raise NotSolved(say(fault, address=address))
    # Last, because another program may start more slowly than the proxy.
    if fault := _fault_of_ports(pod):
        raise NotSolved(fault)


def _fault_of_ports(pod: str) -> str:
    """Return where else than at the proxy's port a program of a pod listens, or ""."""
    tables = ("cat", "/proc/net/tcp", "/proc/net/tcp6", "/proc/net/unix")
    text = exec_in_pod(pod, *tables, container=CONTAINER).stdout
    places = [_place(local) for local in _LISTENS.findall(text)]
    # The first is the proxy itself.
    places.sort(key=lambda one: (f":{PORT}" not in one, "127.0.0.1:" not in one))
    others = [*places[1:], *_SOCKETS.findall(text)]
    fault = mark(
        "Another program of {pod} listens at {place}: start only the proxy at port "
        "8001."
    )
    return say(fault, place=others[0], pod=pod) if others else ""


def _place(local: str) -> str:
    """Return the address and the port of a line of /proc/net/tcp."""
    address, _, port = local.partition(":")
    # Each word of it begins with its last byte.
    raw = bytes.fromhex(address)
    words = [raw[at : at + 4][::-1] for at in range(0, len(raw), 4)]
    return f"{ip_address(b''.join(words))}:{int(port, 16)}"


def _fault_of_files(pod: str) -> str:
    """Return which files of its container a proxy serves besides the API, or ""."""
    # No request could find out the prefix.
    for line in proxy_lines(pod):
        found = dict(re.findall(r"(?<=\s)(--www(?:-prefix)?|-[wP])[= ]?(\S+)", line))
        directory = found.get("--www") or found.get("-w")
        if directory:
            prefix = found.get("--www-prefix") or found.get("-P") or "/static/"
            fault = mark(
                "kubectl proxy also serves the files of {directory} at {prefix}: leave "
                "out --www."
            )
            return say(fault, directory=directory, prefix=prefix)
    return ""


def _faults(namespace: str, pod: str) -> dict[str, str]:
    """Return the paths that an ambassador has to refuse, and what to do about each."""
    here, any_one = f"/api/v1/namespaces/{namespace}", _draw_name()
    parts = ("exec", "attach", "portforward", "proxy/", "status", any_one)
    homes = ("default", "kube-system", secrets.token_hex(4))
    core = kubectl("get", "--raw", "/api/v1").json()["resources"]
    names = [one["name"] for one in core if one["namespaced"]]
    others = [name for name in names if "/" not in name and name != "pods"]
    return {
        f"{here}/pods/{pod}/log?container=main": _END,
        **{f"{here}/pods/{any_one}/{part}": _END for part in parts},
        f"{here}/services/{any_one}/proxy/pods": _PARTS,
        **{f"{here}/{name}": _ACCEPT for name in others},
        f"/apis/apps/v1/namespaces/{namespace}/deployments": _ACCEPT,
        "/api/v1/nodes": _ACCEPT,
        "/version": _ACCEPT,
        **{f"/api/v1/namespaces/{home}/pods": _NAMESPACE for home in homes},
        f"/api/v1/watch/namespaces/{namespace}/pods?timeoutSeconds=1": _BEGIN,
        f"/any{here}/pods": _BEGIN,
    }


def _draw_name() -> str:
    """Return a name that no pattern can know, with what names may have."""
    return f"web-{secrets.token_hex(4)}.{secrets.token_hex(4)}"


def _is_refusal(reply: PodResponse | Reply) -> bool:
    body = reply.body if isinstance(reply, PodResponse) else reply.text
    return reply.status == 403 and body.strip() == REFUSAL
