"""Check that an ambassador survives the end of its first token."""

import re

from cluster.waiting import poll
from helpers.api.ambassadors import ask_ambassador, play_kubelet, proxy_lines
from helpers.api.caller import Caller
from helpers.api.pods import exec_in_pod
from helpers.api.tokens import Token, read_token
from helpers.command import time_limit
from helpers.course.exercise import exercise
from helpers.errors import NotSolved, Undecided
from helpers.exercises.evidence import LOOKS, look_often
from helpers.language import mark, say

AMBASSADOR = "ambassador"
#: by which a client asks who it is; the answer names its token, as JTI=ID
_REVIEW = ("/apis/authentication.k8s.io/v1/selfsubjectreviews", "--json", "{}")
#: seconds until a token that has ended is refused: the server remembers it for 10
ENDED = 20.0
#: seconds between two looks at which token is sent: each starts two processes in a pod
BETWEEN = 0.3
#: options by which others get the token
_CARELESS = re.compile(r"--(token|insecure-skip-tls-verify(?!=false))\b")
#: Print the settings of each kubectl; its directory and its variables choose them, too.
_VIEW = r"""
export OPTIONS="$*"
for pid in $(pgrep -x kubectl); do
  cd "/proc/$pid/cwd" && xargs -0 sh -c \
    'exec env -i "$@" kubectl config view --raw --output=json $OPTIONS' sh \
    <"/proc/$pid/environ"
done
"""
_KEPT = mark(
    "The status through the ambassador is {status}, long after the file has changed: "
    "it does not read the file again."
)


@exercise
def outlive_token(pod: str) -> None:
    """Demand an ambassador that answers with a new token after the old one ended."""
    lines = look_often(lambda: proxy_lines(pod))
    if not lines:
        fault = mark(
            "No kubectl runs in the ambassador of {pod}: `kubectl logs {pod} -c "
            "ambassador` shows why."
        )
        raise NotSolved(say(fault, pod=pod))
    files = re.findall(r"--kubeconfig[= ](\S+)", "\n".join(lines))
    options = [f"--kubeconfig={file}" for file in files]
    view = ("sh", "-c", _VIEW, "sh", *options)
    config = exec_in_pod(pod, *view, container=AMBASSADOR).stdout
    is_careless = '"insecure-skip-tls-verify": true' in config
    if is_careless or any(map(_CARELESS.search, lines)):
        fault = say(
            "Leave out --token, which kubectl keeps until it ends and every `ps` "
            "shows, and --insecure-skip-tls-verify, which sends the token to any "
            "server."
        )
        raise NotSolved(fault)
    old = read_token(pod, container=AMBASSADOR)
    if old.bound_to == f"pod/{pod}":
        fault = mark("The kubelet renews {pod}'s token: run it with `played=True`.")
        raise NotSolved(say(fault, pod=pod))
    _demand_sent(old, pod)
    new = play_kubelet(pod)
    server, kept = Caller.bearer(old), 0

    def is_sent() -> bool:
        nonlocal kept
        if f"JTI={new.id}" in ask_ambassador(pod, *_REVIEW).body:
            return True
        done = exec_in_pod(pod, *view, container=AMBASSADOR)
        # It is written down, so no minute will change it.
        kept += old.text in done.stdout
        if kept >= LOOKS and server.get("/api").status == 401:
            raise NotSolved(say(_KEPT, status=401))
        return False

    # A script may send the new token at once, kubectl proxy only after a 401.
    if poll(is_sent, time_limit(ENDED), pause=BETWEEN):
        return
    if server.get("/api").status != 401:
        raise Undecided(say("the end of the old token of {pod}", pod=pod))
    if (status := Caller.bearer(new).get("/api").status) != 200:
        raise Undecided(say("a response of the API server"), f"{status}")
    # kubectl proxy caches the token for up to a minute.
    status = ask_ambassador(pod, "/api", expect=200).status
    if status not in (0, 200):
        raise NotSolved(say(_KEPT, status=status))
    _demand_sent(new, pod)


def _demand_sent(token: Token, pod: str) -> None:
    # A script may be starting its kubectl again.
    body = look_often(lambda: ask_ambassador(pod, *_REVIEW).body)
    if not body:
        raise NotSolved(say("There is no response through the ambassador."))
    if f"JTI={token.id}" not in body:
        fault = say(
            "kubectl does not send the token that is in the file: leave out what names "
            "a server or another credential."
        )
        raise NotSolved(fault)
