"""JupyterLab's last lines are its address, without a token that was given."""

import json
import logging
import shutil
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.sign import MemorySignatureStore, NotebookNotary

from helpers.course import address
from helpers.course.export import NOTEBOOKS


def test_the_last_words_are_the_address_and_how_to_end_it():
    assert address.words("http://127.0.0.1:8888/lab?token=x").splitlines() == [
        "",
        "JupyterLab: http://127.0.0.1:8888/lab?token=x",
        "Ctrl-C, and then y, ends it. The cluster runs on until you stop it:",
        "  .venv/bin/kapi stop",
    ]


@pytest.mark.parametrize(
    ("generated", "shown"), [(True, "token=secret"), (False, "token=...")]
)
def test_a_token_that_was_given_is_not_told(capsys, generated, shown):
    """Jupyter says itself where its generated token is, unless it looks given."""
    provider = SimpleNamespace(token="secret", token_generated=generated)

    class Server:
        identity_provider = provider
        root_dir = "/nowhere"
        contents_manager = SimpleNamespace(notary=None)
        io_loop = SimpleNamespace(add_callback=lambda call: later.append(call))
        local_url = property(
            lambda self: (
                "http://127.0.0.1:8888/?token="
                + ("secret" if provider.token_generated else "...")
            )
        )

    later = []
    address._load_jupyter_server_extension(Server())
    assert not provider.token_generated
    later[0]()
    assert shown in capsys.readouterr().err


def test_lessons_without_outputs_are_signed_and_no_other_notebook(tmp_path):
    """As JupyterLab reads them; what has an output was not made here."""
    first, korean, own = "00-start-here.ipynb", "ko/02-cluster-info.ipynb", "own.ipynb"
    (tmp_path / "ko").mkdir()
    for name in (first, korean):
        shutil.copy(NOTEBOOKS / name, tmp_path / name)
    shutil.copy(NOTEBOOKS / first, tmp_path / own)
    (tmp_path / "01-pod-metadata.ipynb").write_text("no JSON")
    notebook = json.loads((NOTEBOOKS / "03-kubectl-proxy.ipynb").read_text())
    cell = next(c for c in notebook["cells"] if c["cell_type"] == "code")
    text = {"output_type": "display_data", "metadata": {}, "data": {"text/html": "!"}}
    cell["outputs"] = [text]
    foreign = tmp_path / "03-kubectl-proxy.ipynb"
    foreign.write_text(json.dumps(notebook))
    notary = NotebookNotary(store_factory=MemorySignatureStore, secret=b"a")
    address.sign_lessons(tmp_path, notary)
    signed = {
        name: notary.check_signature(nbformat.read(tmp_path / name, as_version=4))
        for name in (first, korean, foreign.name)
    }
    assert signed == {first: True, korean: True, foreign.name: False}


def test_of_two_warnings_of_tornado_the_one_about_pings_is_left_out():
    """Jupyter's milliseconds are not Tornado's seconds."""
    kept = [
        text
        for text in (
            "The websocket_ping_timeout (90000) cannot be longer than the interval",
            "Invalid Host header",
        )
        if address._is_of_use(logging.makeLogRecord({"msg": text}))
    ]
    assert kept == ["Invalid Host header"]
