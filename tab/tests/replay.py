"""Run the commands of a recorded lesson in the tab's cluster; say what differs.

What is set aside, because no two clusters have it in common:

=========================  ========================================================
values                     rule
=========================  ========================================================
times, ages, durations     `VARIABLE`
UIDs, revisions, ports     `VARIABLE`
addresses                  `VARIABLE`; those of pods, nodes and Services
hashes in names of pods    `VARIABLE`; the tab's name takes the place of the recorded
tokens                     the tab's takes the place of the recorded one
spaces of a table          one for many: a longer name makes a column wider
values of JSON             their types count; the keys, the `kind`, and of a `Status`
                           code, reason and message, have to be equal
`managedFields`            set aside: how many updates a status takes is chance
a container's user         set aside: without Linux there is none
variables of `env`         in the order of their names: the runtime has none
a list                     the kinds of its items count, not how many there are
a command that is asked    the last answer counts, for which the tab has as long as
again until it succeeds    the lesson has
=========================  ========================================================
"""

import json
import re
import shlex
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from tab.tests.recorder import RECORDER, Command

#: seconds for what a lesson waits for
PATIENCE = 30.0
#: names of the local cluster, and what they are in the tab
NAMES = {"lab-control-plane": "tab"}
#: commands of kubectl that change nothing, between two of the same poll
READS = {"auth", "get", "logs", "wait", "exec"}
VARIABLE = re.compile(
    r"""
    [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}           # a UID
    | \b\d{4}-\d\d-\d\d[T ][\d:.]+(Z|[ ][+]\d{4}[ ]\w+)?  # a time
    | \d\d/\w{3}/\d{4}[ ][\d:]+                     # a time, as Python's server logs it
    | \w{3},[ ]\d\d[ ]\w{3}[ ]\d{4}[ ][\d:]+[ ][+\w]+ # a time, as in a header
    | \b(\d+[hms])+\b | <unknown>                   # an age
    | \b\d+(\.\d+){3}(/\d+)?(:\d+)?\b               # an address
    | \blocalhost:\d+\b | \b127\.\S+
    | \beyJ[\w.-]+                                  # a token
    | (?<=-)[0-9a-f]{8,10}-[0-9a-z]{5}\b            # of a Deployment's pod
    | (?<=-)[0-9a-z]{5}\b(?=[ "\n]|$)               # of a Job's pod, a volume
    | \b[0-9a-f]{16,}\b                             # a mark, a hash
    | ^[A-Za-z0-9+/]{20,}={0,2}$                   # a line of a certificate
    | \w{3}[ ]+\d+[ ][\d:]+[ ]\d{4}[ ]GMT           # a time, as openssl prints it
    | CONNECTED\(\d+\)                              # a file descriptor
    | resourceVersion\W+\d+ | \b\d+(\.\d+)?(ms|s)\b
    """,
    re.VERBOSE | re.MULTILINE,
)
_TOKEN = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+")
_ASSIGNMENT = re.compile("[A-Z_0-9]+=")
_POD = re.compile(
    r"\b([a-z0-9-]+?)(-[0-9a-f]{8,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}\b"
)


@dataclass(frozen=True)
class Outcome:
    """What a command wrote, and its exit code."""

    exit_code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Difference:
    """A command whose outcome is not the recorded one."""

    cell: str
    command: str
    recorded: list[str]
    replayed: list[str]

    def __str__(self) -> str:
        """Return it for a person, one value a line."""
        return (
            f"{self.cell}: {self.command[:300]}\n"
            f"    cluster {self.recorded!r:.600}\n    tab     {self.replayed!r:.600}"
        )


def differences(
    commands: Iterable[Command],
    run: Callable[[str, str], Outcome],
    start: Callable[[str], object],
    server: str,
    ca: str,
    known: Collection[str] = (),
) -> Iterator[Difference]:
    """Run each command in turn; yield those whose outcome is another one.

    `run` takes a script, which knows `kubectl`, and its standard input; `start` takes
    one that runs on. Cells that are `known` to differ are not waited for.
    """
    values = dict(NAMES)
    proxies: set[str] = set()
    for command in without_polls(list(commands)):
        if "SERVER" in command.variables:
            values[command.variables["SERVER"]] = server
        if "CA" in command.variables:
            values[command.variables["CA"]] = ca
        if (socket := command.variables.get("PROXY")) and socket not in proxies:
            proxies.add(socket)
            name = shlex.quote(socket)
            start(f"mkdir -p $(dirname {name}); kubectl proxy --unix-socket={name}")
            run(f"until curl -s --unix-socket {name} http://localhost/; do :; done", "")
        script, text = (
            replaced(part, values) for part in (script_of(command), command.input)
        )
        recorded = Outcome(
            command.exit_code,
            replaced(command.stdout, NAMES),
            replaced(command.stderr, NAMES),
        )
        limit = time.monotonic() + PATIENCE
        while essence(outcome := run(script, text)) != essence(recorded):
            late = time.monotonic() > limit or command.cell in known
            if late or not is_read(command):
                yield Difference(
                    command.cell,
                    command.script or shlex.join(command.words),
                    *only(essence(recorded), essence(outcome)),
                )
                break
            time.sleep(0.5)
        values |= pairs(command.stdout, outcome.stdout)


def only(first: dict, second: dict) -> Iterator[list[str]]:
    """Yield the lines that the first has and the second has not, and vice versa."""
    lines = [
        [
            f"{key} {value}"
            for key, values in essence.items()
            for value in listed(values)
        ]
        for essence in (first, second)
    ]
    yield [line for line in lines[0] if line not in lines[1]]
    yield [line for line in lines[1] if line not in lines[0]]


def listed(values: object) -> list:
    """Return a list as it is, and another value as the only one of a list."""
    return values if isinstance(values, list) else [values]


def without_polls(commands: list[Command]) -> Iterator[Command]:
    """Yield the commands without those that a lesson asks again in a moment.

    With them go those that it asks between the two, which is what it shows meanwhile.
    """
    number = 0
    while number < len(commands):
        command = commands[number]
        last = number
        for later in range(number + 1, len(commands)):
            further = commands[later]
            if further.cell != command.cell or not is_read(further):
                break
            if further.words == command.words and further.input == command.input:
                last = later
        if is_read(command):
            number = last
        yield commands[number]
        number += 1


def is_read(command: Command) -> bool:
    """Return whether a command of kubectl changes nothing."""
    return not command.script and command.words[1] in READS


def script_of(command: Command) -> str:
    """Return what the tab's shell runs, with the variables that the command had."""
    script = command.script.partition(f"# {RECORDER}: ")[0] or shlex.join(command.words)
    lines = []
    for name, value in command.variables.items():
        if name.startswith("BASH_FUNC_"):
            lines.append(
                f"{name.removeprefix('BASH_FUNC_').removesuffix('%%')} {value}"
            )
        elif name != "KUBECONFIG":
            lines.append(f"export {name}={shlex.quote(value)}")
    return "\n".join([*lines, script])


def replaced(text: str, values: dict[str, str]) -> str:
    """Return a text with values of the tab instead of the recorded ones."""
    # The longest first: an address may be the beginning of another.
    for old in sorted(values, key=len, reverse=True):
        text = text.replace(old, values[old])
    return text


def pairs(recorded: str, replayed: str) -> dict[str, str]:
    """Return the tokens and the names of pods in the one, and in the other."""
    result = {}
    for pattern in (_TOKEN, _POD):
        old, new = (
            list(dict.fromkeys(match[0] for match in pattern.finditer(text)))
            for text in (recorded, replayed)
        )
        if len(old) == len(new):
            result |= {a: b for a, b in zip(old, new, strict=True) if a != b}
    return result


def essence(outcome: Outcome) -> dict:
    """Return what has to be the same of two outcomes."""
    return {
        "exit code": outcome.exit_code,
        "stdout": lines_of(outcome.stdout),
        "stderr": lines_of(outcome.stderr),
    }


def lines_of(text: str) -> list[str]:
    """Return what counts of the lines of a text; of JSON in it, the fields."""
    decoder, result, at = json.JSONDecoder(), [], 0
    while at < len(text):
        end = len(text) if (newline := text.find("\n", at)) < 0 else newline + 1
        if text[at] in "{[":
            try:
                value, end = decoder.raw_decode(text, at)
            except ValueError:
                pass
            else:
                result += sorted(fields(value) - set(result))
                at = end
                continue
        result += text_of(text[at:end]) if text[at:end].strip() else []
        at = end
    return sorted(result) if all(_ASSIGNMENT.match(line) for line in result) else result


def fields(value: object, path: str = "") -> set[str]:
    """Return what counts of a value of JSON: the path and the type of each field.

    A `Status` has the words of its reason and message instead of their types.
    """
    if isinstance(value, list):
        return set().union(
            *(fields(item, f"{path}[]") for item in value), {f"{path}[]"}
        )
    if not isinstance(value, dict):
        return {f"{path}: {type(value).__name__}"}
    result = {f"{path}{{}}"}
    for key, item in value.items():
        words = key in ("kind", "apiVersion") or value.get("kind") == "Status"
        if words and isinstance(item, str | int):
            result.add(f"{path}.{key} {' '.join(text_of(str(item)))}")
        elif key != "managedFields" and not (key == "user" and "Statuses" in path):
            result |= fields(item, f"{path}.{key}")
    return result


def text_of(text: str) -> list[str]:
    """Return the lines of a text without what is set aside."""
    return [" ".join(line.split()) for line in VARIABLE.sub("…", text).splitlines()]
