"""A plugin for pytest: lead a learner's surroundings astray between the cells.

After every cell of every notebook, the kubeconfigs that SWITCHED names get another
current context: production, then `mine`, and so on. One without `mine` keeps
production.

After the second cell of each notebook one more cell runs in the kernel: STRAY_CELL. For
its time KUBECONFIG is the file that STRAY names, and `kubectl config use-context` makes
production the current context in it; a write must be refused then.

What happened is written to the file that SWITCHES names, a line each.
"""

import os
from pathlib import Path

import pytest
import yaml

#: seconds for STRAY_CELL on a busy machine
LIMIT = 120
#: in a function, so that it leaves no names behind in the notebook
STRAY_CELL = """
def _stray():
    import os
    import subprocess

    from helpers import kubectl

    def shell(*words):
        done = subprocess.run(["kubectl", *words], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    kept = os.environ["KUBECONFIG"]
    assert kept.startswith(os.environ["LAB_STATE_DIR"]), kept
    os.environ["KUBECONFIG"] = os.environ["STRAY"]
    try:
        assert shell("config", "use-context", "elsewhere")[0] == 0
        assert shell("config", "use-context", "production")[0] == 0
        code, said = shell("create", "configmap", "stray", "--namespace=default")
        assert code == 1 and "another cluster" in said, said
        # What Python asks goes where `connect()` led, whatever a cell sets.
        assert kubectl("config", "current-context").stdout == "mine\\n"
    finally:
        os.environ["KUBECONFIG"] = kept


_stray()
del _stray
"""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Do it while the kernel is between two cells."""
    number = int(item.name.removeprefix("Cell "))
    context = ("production", "mine")[number % 2]
    for name in os.environ["SWITCHED"].split(os.pathsep):
        switch(Path(name), context)
    note(item, context)
    if number == 1:
        client = item.parent.kernel.kc
        options = {"allow_stdin": False, "output_hook": lambda _: None}
        reply = client.execute_interactive(STRAY_CELL, timeout=LIMIT, **options)
        assert reply["content"]["status"] == "ok", reply["content"]
        note(item, "stray")


def switch(path: Path, context: str) -> None:
    """Make a context the current one, as `kubectl config use-context` does."""
    document = yaml.safe_load(path.read_text())
    names = {each["name"] for each in document["contexts"]}
    document["current-context"] = context if context in names else "production"
    path.write_text(yaml.safe_dump(document))


def note(item: pytest.Item, what: str) -> None:
    with open(os.environ["SWITCHES"], "a") as file:
        file.write(f"{item.path.name} {what}\n")
