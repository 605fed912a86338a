"""A plugin for pytest: switch the learner's contexts between two cells of a notebook.

Every kubeconfig that SWITCHED names leads to production from the second cell on.
"""

import os
from pathlib import Path

import yaml


def pytest_runtest_logfinish(nodeid: str) -> None:
    """Do it while the kernel is between two cells."""
    if nodeid.endswith("::Cell 1"):
        for name in os.environ["SWITCHED"].split(os.pathsep):
            document = yaml.safe_load(Path(name).read_text())
            document["current-context"] = "production"
            Path(name).write_text(yaml.safe_dump(document))
