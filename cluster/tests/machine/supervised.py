"""Be a PID 1 in the small: run the components of a file under a Supervisor.

`python supervised.py SPEC EVENTS`. Every state is appended to EVENTS as a line of
JSON. SIGTERM stops; the process ends with 0 when everything has ended.
"""

import ctypes
import dataclasses
import json
import os
import sys
import threading
from pathlib import Path

from cluster.machine import lifecycle, logs, supervisor
from cluster.machine.components import Component

PR_SET_CHILD_SUBREAPER = 36


def main(spec_file: str, events: str) -> None:
    """Run until SIGTERM."""
    spec = json.loads(Path(spec_file).read_text())
    logs.LIMIT, logs.KEPT, logs.INTERVAL = 100_000, 1_000, 0.05
    # As PID 1 is anyway: the parent of descendants whose own parent ends.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    lock = threading.Lock()

    def changed() -> None:
        with lock, open(events, "a") as file:
            states = {n: dataclasses.asdict(s) for n, s in ours.states.items()}
            file.write(json.dumps({"failed": ours.failed, "states": states}) + "\n")

    ours = supervisor.Supervisor(
        tuple(
            Component(**{**part, "argv": tuple(part["argv"])}) for part in spec["parts"]
        ),
        lambda part: not part.ready or os.path.exists(part.ready),
        logs=spec["logs"],
        env={"PATH": os.environ["PATH"], "GIVEN": "by the supervisor"},
        changed=changed,
    )

    def stop() -> None:
        ours.stop()
        ours.stop()  # a second time changes nothing
        os._exit(0)

    lifecycle.on_end_signal(stop)
    if spec["stop_first"]:
        ours.stop()
    changed()
    ours.start()
    ours.reap()


if __name__ == "__main__":
    main(*sys.argv[1:])
