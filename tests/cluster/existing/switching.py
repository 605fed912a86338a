"""A plugin for pytest: lead a learner's surroundings astray between the cells.

After every cell of every notebook, the kubeconfigs that SWITCHED names get another
current context: production, then `mine`, and so on. One without `mine` keeps
production.

What happened is written to the file that SWITCHES names, a line each.
"""

import os
from pathlib import Path

import pytest
import yaml


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Do it while the kernel is between two cells."""
    number = int(item.name.removeprefix("Cell "))
    context = ("production", "mine")[number % 2]
    for name in os.environ["SWITCHED"].split(os.pathsep):
        switch(Path(name), context)
    note(item, context)


def switch(path: Path, context: str) -> None:
    """Make a context the current one, as `kubectl config use-context` does."""
    document = yaml.safe_load(path.read_text())
    names = {each["name"] for each in document["contexts"]}
    document["current-context"] = context if context in names else "production"
    path.write_text(yaml.safe_dump(document))


def note(item: pytest.Item, what: str) -> None:
    with open(os.environ["SWITCHES"], "a") as file:
        file.write(f"{item.path.name} {what}\n")
