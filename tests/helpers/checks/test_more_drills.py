"""Each check says what is wrong; tests/helpers/test_repairs.py has what it can say."""

import pytest

from helpers.checks import drills, more_drills
from helpers.errors import NotSolved


@pytest.mark.parametrize(
    "check",
    [
        drills.repair_name,
        drills.repair_trust,
        drills.repair_files,
        more_drills.repair_token,
        more_drills.repair_namespace,
        more_drills.restore_right,
    ],
)
def test_an_application_that_is_not_there(namespace, check):
    """The server's own sentence."""
    with pytest.raises(NotSolved, match="not found"):
        check("drill-9")
