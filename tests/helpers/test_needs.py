"""A cell that cannot do here what it shows says so, in a sentence behind its error."""

from importlib import metadata

import pytest

from helpers import needs
from tests.kernels import finish, kernel

OLDER = "v1.34 (v1.37.2 emulates it)"


@pytest.mark.parametrize(
    ("backend", "version", "tags", "said"),
    [
        ("existing", "v1.37.2", ["needs-lab"], "an administrator's rights"),
        ("local", "v1.37.2", ["needs-lab"], ""),
        ("existing", "v1.37.2", ["needs-pods", "then"], ""),
        ("local", "v1.34.4", ["needs-1.35"], "1.35 and later do, and this cluster has"),
        ("local", OLDER, ["check", "needs-1.35"], OLDER),
        ("local", OLDER, ["needs-1.34"], ""),
        ("kind", "v1.38.0-beta.0", ["needs-1.38"], "1.38 and later"),
        ("kind", "v1.38.0+k3s1", ["needs-1.38"], ""),
        ("existing", "v1.36.5-gke.100", ["needs-1.36"], ""),
        # Before `connect()`.
        ("", "", ["needs-lab", "needs-1.35"], ""),
    ],
)
def test_a_tag_says_what_is_not_here(monkeypatch, backend, version, tags, said):
    monkeypatch.setattr(needs, "_known", ("", ""))
    needs.know(backend, version)
    found = needs.unmet_need(tags)
    assert said in found and bool(said) == bool(found)


@pytest.mark.parametrize(
    ("more", "version"),
    [
        ({}, "v1.37.2"),
        ({"emulationMajor": "1", "emulationMinor": "37"}, "v1.37.2"),
        ({"emulationMajor": "1", "emulationMinor": "34"}, OLDER),
    ],
)
def test_a_server_counts_as_what_it_emulates(more, version):
    assert needs.effective_version({"gitVersion": "v1.37.2"} | more) == version


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ("36.0.3", "client 36.0.3, and the lessons are written for kubernetes<38"),
        ("37.0.9", ""),
        ("38.0.0b1", "38.0.0b1"),
    ],
)
def test_another_client_for_python_is_told(monkeypatch, found, said):
    monkeypatch.setattr(metadata, "version", {"kubernetes": found}.get)
    line = needs.client_warning()
    assert said in line and bool(said) == bool(line) and "\n" not in line


def test_the_clients_of_these_tests_are_those_of_the_lessons():
    assert needs.client_warning() == ""


def test_a_kernel_says_it_behind_the_error_of_a_cell(tmp_path):
    """JupyterLab sends the metadata of a cell with its code."""
    with kernel(str(tmp_path)) as (_, client):

        def error(code, **metadata):
            content = {"code": code, "silent": False, "store_history": True}
            asked = client.session.msg("execute_request", content, metadata=metadata)
            client.shell_channel.send(asked)
            return finish(client)[1]

        know = "from helpers import needs; needs.know('existing', 'v1.34.4')"
        assert error(know) == ""
        first, second = error("log.stop()", tags=["needs-lab"]).splitlines()
        assert first == "NameError: name 'log' is not defined"
        assert "an existing cluster" in second
        first, second = error("assert 400 == 403", tags=["needs-1.35"]).splitlines()
        assert first == "AssertionError: `400 == 403` is false: `400 == 403`."
        assert "this cluster has v1.34.4" in second
        assert error("log.stop()") == "NameError: name 'log' is not defined"
        assert error("1 + 1", tags=["needs-lab"]) == ""
