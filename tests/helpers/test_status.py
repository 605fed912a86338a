"""The API server's Status is found in a text."""

import json

from helpers.status import find_status

STATUS = {"kind": "Status", "message": "not found", "code": 404}


def test_a_list_is_not_taken_for_a_status():
    """The first Status counts, wherever it begins, and nothing else."""
    assert find_status('{"kind": "PodList", "items": []} {') is None
    assert find_status("") is None
    assert find_status('{"broken": ' + json.dumps(STATUS)) == STATUS
