"""Texts name the commands as they are called: in a checkout, or from a wheel."""

import re
import tomllib

import pytest
from click.testing import CliRunner

from cluster import errors, findings, installed
from cluster.backend import STATUS
from cluster.cli import main
from cluster.cli.format import keep_layout, status_text
from cluster.tests.commandline import ROOT, helpers


@pytest.fixture
def wheel(monkeypatch):
    monkeypatch.setattr(installed, "INSTALLED", True)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Run `python -m helpers up`.", "Run `kubernetes-api-notebooks up`."),
        (".venv/bin/python -m helpers", "kubernetes-api-notebooks"),
        ("`make lab` and `make setup`", "`{0} lab` and `{0} setup`"),
        ("as docs/binder.md says", "as the README says"),
        ("make one lab of it", "make one lab of it"),
    ],
)
def test_a_checkout_has_its_own_words_and_a_wheel_the_programs(
    written, read, monkeypatch
):
    assert installed.named(written) == written
    monkeypatch.setattr(installed, "INSTALLED", True)
    assert installed.named(written) == read.format(installed.PROGRAM)


def test_errors_help_status_and_doctor_name_the_program(wheel):
    told = [
        str(errors.NotRunning("There is no cluster.")),
        keep_layout(main.callback.__doc__),
        status_text(STATUS, 0),
        findings.report([findings.way_to_local("Do it.")]),
    ]
    for text in told:
        assert "kubernetes-api-notebooks" in text and "python -m" not in text


def test_fields_of_an_error_are_as_they_were_written(wheel):
    assert "python -m helpers" in errors.NotRunning("There is no cluster.").hint


def test_the_version_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert installed.version() == project["version"]
    said = CliRunner().invoke(main, ["--version"])
    assert (said.exit_code, said.output) == (
        0,
        f"{installed.PROGRAM} {project['version']}\n",
    )
    assert helpers("--version").stdout == said.output


def test_a_part_of_the_checkout_has_no_version(monkeypatch, tmp_path):
    """Such as `cluster` alone, by which the container image is built."""
    monkeypatch.setattr(installed, "_ABOVE", tmp_path)
    assert re.fullmatch("[a-z]+", installed.version())
