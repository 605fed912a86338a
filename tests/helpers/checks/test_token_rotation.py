"""A client has to send the token that its file holds when it asks."""

import pytest
from kubernetes import client, config

from helpers import errors
from helpers.checks import token_rotation
from helpers.command import kubectl
from helpers.tokens import create_token


@pytest.fixture
def file(namespace, tmp_path, monkeypatch):
    monkeypatch.setattr(token_rotation, "ACCOUNT", "default")
    file = tmp_path / "token"
    file.write_text(create_token().text)
    return file


@pytest.fixture
def api_client(file):
    """Return a client that read the file when it was made."""
    settings = kubectl("config view --minify --raw -o json").json()
    settings["users"][0]["user"] = {"tokenFile": str(file)}
    return config.new_client_from_config_dict(settings)


def hook(api_client: client.ApiClient, value):
    """Let a function make the header's value before each request."""

    def put(configuration):
        configuration.api_key["BearerToken"] = value()

    api_client.configuration.refresh_api_key_hook = put


def test_a_token_that_is_kept_is_told(api_client, file):
    """It is still good here, and not the one that was asked for."""
    with pytest.raises(errors.NotSolved, match="another token than the one"):
        token_rotation.read_token_again(api_client, file)


@pytest.mark.parametrize(
    ("value", "says"),
    [("{}", 'does not begin with the word "Bearer"'), ("Bearer x{}", "returns 401")],
)
def test_a_header_that_is_wrong_is_told(api_client, file, value, says):
    hook(api_client, lambda: value.format(file.read_text()))
    with pytest.raises(errors.NotSolved, match=says):
        token_rotation.read_token_again(api_client, file)
