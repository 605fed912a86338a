"""Ages read as in kubectl's column AGE."""

from datetime import UTC, datetime, timedelta

import pytest

from helpers.widgets.ages import age, human_duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (192, "3m12s"),
        (599, "9m59s"),
        (600, "10m"),
        (10799, "179m"),
        (10800, "3h"),
        (14520, "4h2m"),
        (28800, "8h"),
        (172799, "47h"),
        (172800, "2d"),
        (180000, "2d2h"),
        (691200, "8d"),
        (2 * 365 * 86400, "2y"),
        (2 * 365 * 86400 + 86400, "2y1d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_a_span_is_as_coarse_as_kubectl_shows_it(seconds, text):
    """The steps are those of duration.HumanDuration, tested at both sides of each."""
    assert human_duration(timedelta(seconds=seconds)) == text


def test_an_age_counts_from_the_creation():
    """Without a time there is none."""
    now = datetime(2026, 11, 25, 12, 0, 5, tzinfo=UTC)
    assert age("2026-11-25T12:00:00Z", now) == "5s"
    assert age("", now) == ""
