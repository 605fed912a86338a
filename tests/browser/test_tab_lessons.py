"""Lessons in Chromium, with a cluster and Python in one tab, to their last cell."""

import pytest

from helpers.course import lessons
from tab import build
from tab.lessons import read, start_tab
from tools.chapter import proof_faults

pytestmark = [
    pytest.mark.full("a cluster and Python in a browser"),
    pytest.mark.skipif(
        build.find() is None,
        reason="the program for the browser is not here. Run: python -m tab.build",
    ),
    pytest.mark.timeout(1800),
]
