"""A run ends with its page, and by its exit code; one of all specs writes the table."""

import json

import pytest

from cluster.progress import Terminal
from cluster.tests.conformance import __main__ as word, images, page, run
from cluster.tests.conformance.specs import Spec
from cluster.tests.machines import install

TWO_NODES = (
    "[sig-architecture] Conformance Tests should have at least two untainted nodes"
)
PODS, NODES = Spec("[sig-node] Pods should run"), Spec(TWO_NODES)
BEFORE = f"{page.BEGINNING.format(page.HERE)}\nold\n{page.END}\n"
FACTS = page.Run("v1.37.2", "2026-12-01", "debian-12", 6, 40.0, 1.3e9)


@pytest.fixture
def report(tmp_path, monkeypatch):
    """Return what writes a report of states, and the two files that it may write."""
    document, written = tmp_path / "cluster.md", tmp_path / "build" / "page.txt"
    document.write_text(BEFORE)
    monkeypatch.setattr(word, "DOCUMENT", document)
    monkeypatch.setattr(word, "PAGE", written)

    def end(*states, table=page.HERE):
        names = (PODS.name, NODES.name)
        rows = [
            json.dumps({"name": name, "state": state, "seconds": 1.0, "reason": "no"})
            for name, state in zip(names, states, strict=False)
        ]
        (tmp_path / "outcomes.jsonl").write_text("\n".join(rows))
        specs = [PODS, NODES]
        work, options = run.Work(tmp_path), {"limits": False, "table": table}
        code = word.report(Terminal(), work, specs, FACTS, **options)
        return code, written.read_text(), document.read_text()

    return end


def test_what_is_expected_passes_and_the_table_is_written(report, capsys):
    code, text, document = report("passed", "failed")
    assert code == 0
    assert "2 specs, 1 passed, 0 skipped, 1 failed\n" in text
    assert "\n| all | 2 | 1 | 0 | 1 |\n" in document
    assert text in capsys.readouterr().out


@pytest.mark.parametrize("states", [("failed", "failed"), ("skipped", "failed")])
def test_anything_else_fails_and_is_in_the_table(report, states):
    code, _, document = report(*states)
    assert code == 1
    assert f"\n- `{PODS.title}`: not expected\n" in document


def test_a_run_that_is_not_whole_fails_or_says_nothing_of_other_specs(report):
    code, text, document = report("passed")
    assert (code, document) == (1, BEFORE)
    assert "Did not run:" in text
    code, text, document = report("passed", "failed", table="")
    assert (code, document) == (0, BEFORE)
    assert "take them out" not in text


def test_too_little_disk_is_said_before_anything_is_made(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(images, "lacks", lambda: "")
    monkeypatch.setattr(install.shutil, "disk_usage", lambda _: Full)
    with pytest.raises(AssertionError, match="disk below .*, and 0.5 GB are free"):
        word.conform(Terminal(), "", None, "", again=False)
    assert capsys.readouterr().out.startswith("Disk: ")
    assert [*tmp_path.iterdir()] == [install.machines()]


class Full:
    free = 0.5e9
