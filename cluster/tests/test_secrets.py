"""A text loses the secrets of a lab."""

import re

import pytest

from cluster.secrets import without_secrets
from tools import leaks

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzb21lYm9keSJ9.c2lnbmF0dXJlLW9mLXRoaXM"
#: a secret of each kind that a cluster makes or a kubeconfig holds
SECRETS = {
    "token": JWT,
    "bearer": f"Bearer {JWT}",
    "bearer that is no JWT": "Bearer 0123456789abcdef0123",
    "private key": "-----BEGIN EC PRIVATE KEY-----MHcCAQEEIKc",
    "kubeconfig's key": "LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS0tLS0tCk1IY0NBUUVF",
    "token of a kubeconfig": "token: k3s-0123456789abcdef0123",
    "a cloud's token": "access-token: ya29." + "a0AfB_byC3",
    "bootstrap token": "abcdef.0123456789abcdef",
    "password": "password=hunter2hunter2",
    "passwd": "passwd: hunter2hunter2",
    "password in JSON": '{"password": "hunter2hunter2"}',
    "passwd in JSON": '{"passwd":"hunter2hunter2"}',
    "secret in JSON": '{"secret": "hunter2hunter2", "kind": "Login"}',
    "token in JSON": '{"token": "k3s-0123456789abcdef0123"}',
    "the secret of a client": "client_secret=hunter2hunter2",
    "the key of an API in JSON": '{"apiKey": "hunter2hunter2"}',
    "token in quoted JSON": r'body="{\"token\":\"k3s-0123456789abcdef0123\"}"',
}


@pytest.mark.parametrize("kind", SECRETS)
def test_no_secret_stays_in_a_text(kind):
    """Neither as it is nor with its spaces as in an address."""
    secret = SECRETS[kind]
    core = max(re.findall(r"[\w.-]+", secret), key=len)
    for written in (secret, secret.replace(" ", "+")):
        found = without_secrets(f"asked for https://10.0.0.1/api?anything={written}")
        assert core not in found
        assert leaks.find(found) == []
        assert found.startswith("asked for https://10.0.0.1/api")


def test_an_address_in_a_text_loses_its_user():
    """As where a mirror is named that wants a password."""
    told = "LAB_MIRROR=https://me:hunter2@mirror.example/x did not answer"
    assert without_secrets(told) == (
        "LAB_MIRROR=https://(removed)@mirror.example/x did not answer"
    )
    harmless = "image https://mirror.example/toolbox@sha256:0a1b, mail a@b.example"
    assert without_secrets(harmless) == harmless
