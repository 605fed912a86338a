"""Texts name the commands as they are called: in a checkout, or from a wheel."""

import sys

import pytest

from cluster import doctor, errors, findings
from cluster.backend import STATUS
from cluster.cli import main
from cluster.cli.format import keep_layout, status_text


@pytest.fixture
def wheel(monkeypatch):
    monkeypatch.setattr(errors, "INSTALLED", True)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Run `.venv/bin/kapi up`.", "Run `kubernetes-api-notebooks up`."),
        (".venv/bin/kapi", "kubernetes-api-notebooks"),
        ("`make lab` and `make setup`", "`{0} lab` and `{0} setup`"),
        ("as docs/binder.md says", "as the README says"),
        ("make one lab of it", "make one lab of it"),
    ],
)
def test_a_checkout_has_its_own_words_and_a_wheel_the_programs(
    written, read, monkeypatch
):
    assert errors.with_commands(written) == written
    monkeypatch.setattr(errors, "INSTALLED", True)
    assert errors.with_commands(written) == read.format(errors.PROGRAM)


def test_another_environment_than_that_of_the_checkout_is_in_path(monkeypatch):
    """The one of the container image, or one that a person has made."""
    monkeypatch.setattr(sys, "prefix", "/opt/venv")
    assert errors.with_commands("Run `.venv/bin/kapi up`.") == "Run `kapi up`."


class Way:
    """A topic whose finding names a command."""

    read = classmethod(lambda cls: cls())

    def findings(self):
        yield findings.way_to_local("Do it.")


def test_errors_help_status_and_doctor_name_the_program(wheel):
    told = [
        str(errors.NotRunning("There is no cluster.")),
        keep_layout(main.callback.__doc__),
        status_text(STATUS, 0),
        *[f.message for f in doctor.examine([Way])],
    ]
    for text in told:
        assert "kubernetes-api-notebooks" in text and ".venv" not in text


def test_fields_of_an_error_are_as_they_were_written(wheel):
    assert ".venv/bin/kapi" in errors.NotRunning("There is no cluster.").hint
