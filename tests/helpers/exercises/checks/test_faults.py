"""Each fault of the exam stops its copy at its step, and each repair is judged.

`faults.toml` has, for each, what repairs it and what only seems to.
"""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from cluster.tests.waiting import until
from helpers import kubectl
from helpers.course.exam import COPIES, Exam, read_faults
from helpers.exercises import exam
from helpers.exercises.checks.exam import fault_of_copy
from helpers.exercises.drills import last_line
from helpers.exercises.repairs import layer_of

ROWS = tomllib.loads(Path(__file__).with_name("faults.toml").read_text("utf-8"))
#: what the commands of a row may use
SHELL = r"""
set -e
edit() {
  kubectl apply view-last-applied deployment/$COPY | sed "$1" | kubectl apply -f -
}
untrusting() { edit 's#--cacert $FILES/ca.crt ##; s#-H @-#-k -H @-#'; }
literal() {
  edit "s#token=.*#token=$(kubectl create token $COPY)#; s#{token%?????}#token#"
}
"""
#: the layer of the application's last line, for each step at which there is one; the
#: namespace in a line counts to authorization, a credential that is missing, too
LAYERS = {
    "1": {"name"},
    "2": {"address"},
    "3": {"TLS"},
    "4": {"authentication"},
    "5": {"authorization", "namespace", "authentication"},
    "6": {""},
}
#: copies that run at once
AT_ONCE = 5
BATCHES = [
    [*read_faults()][at : at + AT_ONCE] for at in range(0, len(read_faults()), AT_ONCE)
]


def test_each_fault_has_a_repair_and_what_only_seems_one():
    assert ROWS.keys() == read_faults().keys()
    for row in ROWS.values():
        assert row.keys() == {"repair", "seeming", "said"} and all(row.values())


def run(copy, namespace, commands):
    """Run the commands of a row on a copy."""
    env = os.environ | {"COPY": copy, "NAMESPACE": namespace}
    line = ["bash", "-c", SHELL + commands]
    done = subprocess.run(line, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.full("the machinery is that of the drills; each row waits for a new pod")
@pytest.mark.parametrize("names", BATCHES, ids=lambda names: names[0])
def test_a_fault_stops_its_copy_and_only_its_repair_helps(
    cluster, namespace, monkeypatch, names
):
    faults = [read_faults()[name] for name in names]
    drawn = [*faults, *faults, *faults][:8]
    monkeypatch.setattr("helpers.course.exam.draw_faults", lambda _: drawn)
    copies = dict(zip(COPIES, names, strict=False))
    exam.plant(Exam(1), tuple(copies))
    for copy, name in copies.items():
        step = read_faults()[name].answer[0]
        done = kubectl("logs", f"deployment/{copy}", "--tail=1", check=False)
        if step == "0":
            assert done.exit_code and "waiting to start" in done.stderr, name
            continue
        line = last_line(f"deployment/{copy}")
        assert layer_of(line, namespace) in LAYERS[step], f"{name}: {line}"
        code = {"5": "403: ", "6": "404: "}.get(step, "")
        assert line.startswith(code), f"{name}: {line}"
    for copy, name in copies.items():
        line, seeming = last_line(f"deployment/{copy}"), ROWS[name]["seeming"]
        run(copy, namespace, seeming)
        if seeming.startswith("kubectl patch role") and "edit" not in seeming:
            # The pod stays, and what it asked before the grant has another fault.
            until(lambda copy=copy, line=line: last_line(f"deployment/{copy}") != line)
        said = fault_of_copy(copy).replace(namespace, "NAMESPACE")
        expected = re.escape(ROWS[name]["said"].replace("$COPY", copy))
        assert re.fullmatch(expected.replace("…", ".*"), said), f"{name}: {said}"
        # The next copy is judged alone.
        bindings = f"{copy} {copy}-2"
        kubectl(f"delete rolebindings --ignore-not-found {bindings}")
    exam.plant(Exam(1), tuple(copies))
    for copy, name in copies.items():
        run(copy, namespace, ROWS[name]["repair"])
        assert fault_of_copy(copy) == "", name
