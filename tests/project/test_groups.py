"""Groups of tests: what shares something is one, and the longest begin first."""

import re
from collections import Counter
from types import SimpleNamespace

from tests import groups
from tests.notebooks import FILES, ROOT

#: seconds of a group that one worker runs while the others have nothing left
MOST = 480


def test_what_is_named_here_exists():
    """A file that is renamed keeps its group."""
    shared = [path for paths in groups.SHARED.values() for path in paths]
    named = {*groups.TOGETHER, *shared, *groups.APART}
    assert [path for path in named if not [*ROOT.glob(f"{path}*")]] == []


def test_new_heavy_groups_come_first_and_new_quick_ones_last():
    seconds = {"long": 300.0, "short": 2.0}
    names = ["new heavy", "long", "short", "new quick"]
    ranks = [groups.rank(name, seconds, name == "new heavy") for name in names]
    assert ranks == sorted(ranks) and len({*ranks}) == 4


def test_a_run_writes_what_it_measured_and_keeps_what_it_did_not_run(
    tmp_path, monkeypatch
):
    file = tmp_path / "durations.txt"
    file.write_text(groups.written_durations({"a/test_b.py": 2.5, "c/test_d.py": 70.0}))
    monkeypatch.setattr(groups, "DURATIONS", file)
    monkeypatch.setattr(groups, "SECONDS", Counter())
    for name, duration in (("test_a", 80.0), ("test_b", 0.5)):
        report = SimpleNamespace(nodeid=f"a/test_b.py::{name}", duration=duration)
        groups.pytest_runtest_logreport(report)
    for asked in (False, True):
        config = SimpleNamespace(getoption=lambda _, asked=asked: asked)
        groups.pytest_sessionfinish(SimpleNamespace(config=config))
        seconds = groups.read_durations(file.read_text())
        assert seconds == {"a/test_b.py": 80.5 if asked else 2.5, "c/test_d.py": 70.0}
    assert [*seconds] == ["a/test_b.py", "c/test_d.py"]


def test_each_group_is_there_and_none_is_longer_than_the_others_wait_for():
    """In the file that a whole `make full` has written."""
    seconds = groups.read_durations(groups.DURATIONS.read_text("utf-8"))
    files = {name.partition("::")[0] for name in seconds} - {*groups.SHARED}
    assert [name for name in files if not (ROOT / name).exists()] == []
    assert {path.relative_to(ROOT).as_posix() for path in FILES} <= files
    # Two workers would build it twice, from lessons that run for it.
    first, *others = seconds
    assert first == "the site"
    assert {name: s for name in others if (s := seconds[name]) > MOST} == {}


def test_the_tests_of_the_site_are_one_group():
    """Two workers would build it twice."""
    users = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests" / "browser").glob("test_*.py")
        if re.search(r"\b(address|built)\b", text := path.read_text())
        and "def built(" not in text
    ]
    assert len(users) > 1
    assert {groups.group(f"{path}::test") for path in users} == {"the site"}
