"""The steps of a request, with their words and signs. Pure."""

import shlex
from dataclasses import dataclass

from helpers.api.tokens import FILES
from helpers.language import mark, say

#: identifiers, as the states below; they are translated where they are shown
STEPS = (
    mark("name"),
    mark("address"),
    mark("TLS"),
    mark("authentication"),
    mark("authorization"),
    mark("admission"),
    mark("response"),
)

#: how a step went
PASSED, STOPPED, UNREACHED = mark("passed"), mark("stopped here"), mark("not reached")
#: the response to a denied request
RETURNED = mark("sent back")
#: admission, which a read passes by
SKIPPED = mark("skipped")
_SIGNS = {PASSED: "✓", STOPPED: "✗", UNREACHED: "·", RETURNED: "↩", SKIPPED: "–"}


@dataclass(frozen=True)
class Request:
    """A request from a pod, with files of the pod."""

    pod: str
    path: str
    host: str = "kubernetes.default.svc"
    ca: str = f"{FILES}/ca.crt"
    token: str = f"{FILES}/token"

    def inside(self, *command: str) -> str:
        """Return the line that runs a command in the pod."""
        return shlex.join(["kubectl", "exec", self.pod, "--", *command])

    def curl(self, path: str, options: str = "") -> str:
        """Return the line that sends a request with curl and the same files."""
        url = shlex.quote(f"https://{self.host}{path}")
        line = f"curl -sS --cacert {self.ca} {options}{url}"
        if self.token:
            # Not an argument: all accounts of the node can read those.
            header = f'printf "Authorization: Bearer %s" "$(cat {self.token})"'
            line = f"{header} | {line} -H @-"
        return self.inside("sh", "-c", line)


@dataclass(frozen=True)
class Step:
    """A step: a question, its answer, and a shell command that shows the same.

    `milliseconds` is None where the pod cannot measure; `facts` are pairs of a word and
    a text.
    """

    name: str
    question: str
    answer: str = ""
    state: str = UNREACHED
    milliseconds: float | None = None
    facts: tuple[tuple[str, str], ...] = ()
    command: str = ""

    @property
    def heading(self) -> str:
        """Return its name, with its number in the picture; the response has none."""
        name = say(self.name)
        number = STEPS.index(self.name) + 1
        return name if number == len(STEPS) else f"{number}. {name}"

    @property
    def outcome(self) -> str:
        """Return the state and the time: "✓ passed, 1.2 ms"."""
        took = "" if self.milliseconds is None else f", {self.milliseconds:.1f} ms"
        return f"{_SIGNS[self.state]} {say(self.state)}{took}"


@dataclass(frozen=True, repr=False)
class Journey:
    """A request, its six steps and the response; `frame()` has them as data."""

    request: Request
    steps: tuple[Step, ...]

    @property
    def stopped_at(self) -> str:
        """Return the step at which the request ended; "" after a success."""
        return next((s.name for s in self.steps if s.state == STOPPED), "")

    def step(self, name: str) -> Step:
        """Return a step by its name, one of STEPS."""
        return self.steps[STEPS.index(name)]

    def frame(self):
        """Return a DataFrame: STEP, ASKED, ANSWER, STATE, MILLISECONDS.

        The words are those that a view shows; a step without a time of its own has a
        dash.
        """
        import pandas as pd

        columns = ["STEP", "ASKED", "ANSWER", "STATE", "MILLISECONDS"]
        rows = [
            [say(s.name), s.question, s.answer, say(s.state), s.milliseconds]
            for s in self.steps
        ]
        frame = pd.DataFrame(rows, columns=columns).astype(object)
        return frame.fillna({"MILLISECONDS": "–"})

    @property
    def outcome(self) -> str:
        """Return a sentence on the end of the request."""
        step = self.step(self.stopped_at or "response")
        answer = step.answer.rstrip(".")
        if step.name == "response":
            return say("The response: {answer}.", answer=answer)
        stop = say(step.name)
        return say("It stopped at {step}: {answer}.", step=stop, answer=answer)

    def __repr__(self) -> str:
        lines = [say("GET {path} from pod {pod}", **vars(self.request))]
        for step in self.steps:
            lines.append(f"{step.heading}: {step.question}")
            lines.append(f"   {step.outcome}: {step.answer}".rstrip(": "))
        return "\n".join([*lines, self.outcome])


def file_name(path: str) -> str:
    """Return the name of a file without its directory."""
    return path.rpartition("/")[2]
