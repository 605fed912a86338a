"""JupyterLab's last lines are its address, without a token that was given."""

from types import SimpleNamespace

import pytest

from helpers.course import address


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
