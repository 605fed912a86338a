"""Wait for what a file in a pod says.

The kubelet rewrites files of volumes in its own time; a lesson waits for the new text
and says how long it took. Reading a file once is `exec_in_pod(pod, "cat", path)`.
"""

import time

from helpers import errors, progress
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
    began = time.monotonic()
    view = None
    while True:
        done = exec_in_pod(pod, "cat", path, container=container)
        waited = time.monotonic() - began
        if not done.exit_code and text in done.stdout:
            break
        if waited >= timeout:
            last = (done.stderr if done.exit_code else done.stdout).strip()
            raise errors.NotReady(f"{text!r} in {path} of pod {pod}", waited, last)
        if waited > QUIET:
            view = view or progress.for_here()
            view.update(f"waiting for {text!r} in {path} of pod {pod}")
        time.sleep(PAUSE)
    if view:
        view.finish(f"{path} of pod {pod} holds {text!r}")
    return waited
