"""Start the machine as `namespaces.main` does, with less time for it in PID 1."""

from cluster.local import init, namespaces
from tests.patience import patience

BUDGET = patience(8.0)


def main(plan_file: str, report: str) -> int:
    """Be the outer process."""
    init.BUDGET = BUDGET
    return namespaces.main(plan_file, report)
