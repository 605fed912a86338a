"""Follow a file in a pod with one process in it, which says when the file changes.

`wait_for_file` asks again and again and waits for one thing; this stays, and hands on
what it hears. Nothing of it is left in the pod: its shell ends when kubectl does, or
when we do.
"""

import subprocess
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from cluster import errors
from cluster.processes import end_process
from helpers.command import environment, program

#: what is heard of the file, of the variable, and of the way into the pod
FILE, NO_FILE = "FILE", "NO FILE"
VARIABLE, NO_VARIABLE = "VARIABLE", "NO VARIABLE"
BROKEN = "BROKEN"

#: seconds before another try, doubled each time: each is a process here and in the pod
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 5.0
#: seconds for the shell in the pod to end by itself
GRACE = 2.0
#: stands behind each word of the script: no label, no token can have it
_END = b"\x1e"
_KINDS = {"F": FILE, "E": NO_FILE, "V": VARIABLE, "U": NO_VARIABLE}

# Any sh will do. $1 is the file, $2 a variable or nothing, $3 the pause. The first
# process waits for the end of stdin, which is the end of kubectl: without it, a loop
# that has nothing to say would live on in the pod. The trap waits for `sleep` to end,
# which would be a zombie otherwise: few containers have an init that reaps strangers.
_SCRIPT = """
exec 3<&0
follow() {
  trap 'exit' TERM
  if [ -n "$2" ]; then
    if value=$(printenv "$2"); then printf 'V%s\\036' "$value"; else printf 'U\\036'; fi
  fi
  last=
  while :; do
    if now=$(cat "$1" 2>&1); then now=F$now; else now=E$now; fi
    [ "$now" = "$last" ] || printf '%s\\036' "$now"
    last=$now
    sleep "$3"
  done
}
follow "$@" &
cat <&3 >/dev/null
kill $! && wait $!
"""


class Seen(NamedTuple):
    """What was seen in the pod, and when; `text` is a content or a reason."""

    kind: str
    text: str
    at: datetime


class Follower:
    """A thread and a `kubectl exec` that tell of each change of a file in a pod.

    `seen` is called in that thread and must be quick. It comes again after every
    break, a restart of the container or of the API server.
    """

    def __init__(
        self,
        pod: str,
        path: str,
        seen: Callable[[Seen], None],
        *,
        namespace: str,
        container: str = "",
        variable: str = "",
        every: float = 0.5,
    ) -> None:
        """Describe it; `start` begins. The pod looks at its file `every` seconds."""
        options = [f"--container={container}"] if container else []
        script = ["sh", "-c", _SCRIPT, "follow", path, variable, f"{every:g}"]
        line = ["exec", "--stdin", "--quiet", f"--namespace={namespace}", *options]
        self._line = [*line, pod, "--", *script]
        self._seen = seen
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen | None = None
        self._thread = threading.Thread(target=self._run, daemon=True, name="follower")

    def start(self) -> "Follower":
        """Begin; return at once. Raise NotConnected, MissingTool."""
        environment(), program("look into pods")
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the thread and the processes, here and in the pod, and wait for that."""
        self._ended.set()
        with self._lock:
            process = self._process
        if process is not None:
            _end(process)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(GRACE)

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._ended.is_set():
            with self._lock:
                if self._ended.is_set():
                    return
                try:
                    self._process = process = self._spawn()
                except (OSError, errors.LabError) as error:
                    self._process = process = None
                    reason = f"kubectl cannot be started: {error}"
            heard, reason = self._listen(process) if process else (False, reason)
            self._tell(BROKEN, reason)
            pause = FIRST_PAUSE if heard else pause
            self._ended.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _spawn(self) -> subprocess.Popen:
        return subprocess.Popen(
            # Found anew each time: a wire log that is closed takes its kubectl away.
            [program("look into pods"), *self._line],
            env=environment(),
            # A kernel that is killed closes it, and all ends, here and in the pod.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # An interrupted cell must not take it along.
            start_new_session=True,
        )

    def _listen(self, process: subprocess.Popen) -> tuple[bool, str]:
        """Hear a process to its end; say whether it spoke, and why it ended."""
        heard = self._read(process)
        reason = process.stderr.read().decode(errors="replace").strip()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()
        return heard, reason.splitlines()[-1] if reason else "it ended"

    def _read(self, process: subprocess.Popen) -> bool:
        heard, rest = False, b""
        while chunk := process.stdout.read1(1 << 16):
            *words, rest = (rest + chunk).split(_END)
            for word in words:
                text = word.decode(errors="replace")
                self._tell(_KINDS[text[:1]], text[1:])
                heard = True
        return heard

    def _tell(self, kind: str, text: str) -> None:
        if not self._ended.is_set():
            self._seen(Seen(kind, text, datetime.now(UTC)))


def _end(process: subprocess.Popen) -> None:
    """End kubectl by the end of its input, which ends the shell in the pod, too."""
    process.stdin.close()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        end_process(process, GRACE)
