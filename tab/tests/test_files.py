"""The files in memory answer as those of the machine do."""

import json
import shutil
import subprocess

import pytest

from tab import build
from tab.tests.servers import PATIENCE

SCRIPT = "same_files.js"


@pytest.mark.parametrize("seed", range(2))
def test_each_call_has_the_result_of_the_file_system(tmp_path, seed):
    """Random calls: the same values, sizes, links and codes of errors."""
    if not shutil.which("node"):
        pytest.skip("Node is not here")
    script = build.WEB.parent / "tests" / SCRIPT
    words = ["node", script, build.WEB / "files.js", tmp_path, str(seed), "12000"]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    result = json.loads(done.stdout)
    assert result["differences"] == []
    # Each call has worked, and not only failed alike.
    assert min(result["seen"].values()) > 3, result["seen"]
