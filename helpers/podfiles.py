"""Wait for what a pod says: a file in it, or the output of a command.

The kubelet rewrites files of volumes in its own time, and the API server forgets a
token in its own; a lesson waits for the change and says how long it took. To look
once is `exec_in_pod`.
"""

import time

from cluster import errors, progress
from helpers.pods import exec_in_pod

#: seconds between two looks; each costs a process in the pod
PAUSE = 0.1
#: seconds before a learner is told what the waiting is for
QUIET = 2.0


def wait_for_file(
    pod: str,
    path: str,
    text: str,
    *,
    container: str | None = None,
    timeout: float = 100.0,
) -> float:
    """Wait until a file in a pod holds `text`; return the seconds that it took.

    Raise NotReady after `timeout` seconds, with what the file held last. The default
    covers a kubelet that notices nothing before its regular round, once a minute. The
    same as `kubectl exec POD -- grep -qF TEXT PATH`, again and again.
    """
    return wait_for_output(text, pod, "cat", path, container=container, timeout=timeout)


def wait_for_output(
    text: str,
    pod: str,
    *command: str,
    container: str | None = None,
    timeout: float = 60.0,
) -> float:
    """Wait until a command in a pod says `text`; return the seconds that it took.

    A command that fails has not said it yet. Raise NotReady after `timeout` seconds,
    with what it said last, KubectlFailed if it cannot be run. The same as `kubectl
    exec POD -- COMMAND`, again and again.
    """
    began = time.monotonic()
    view = None
    while True:
        done = exec_in_pod(pod, *command, container=container)
        waited = time.monotonic() - began
        if not done.exit_code and text in done.stdout:
            break
        what = f"{text!r} from `{' '.join(command)}` in pod {pod}"
        if waited >= timeout:
            last = (done.stderr if done.exit_code else done.stdout).strip()
            raise errors.NotReady(what, waited, last)
        if waited > QUIET:
            view = view or progress.for_here()
            view.update(f"waiting for {what}")
        time.sleep(PAUSE)
    if view:
        view.finish(f"pod {pod} said {text!r}")
    return waited
