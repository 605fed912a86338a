"""Whatever a secret looks like and wherever it stands, an address loses it."""

import pytest

from cluster import masks
from tools import leaks

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzb21lYm9keSJ9.c2lnbmF0dXJlLW9mLXRoaXM"
#: one of each kind that `tools.leaks` knows, and of some that it does not
SECRETS = {
    "token": JWT,
    "bearer": f"Bearer {JWT}",
    "private key": "-----BEGIN EC PRIVATE KEY-----MHcCAQEEIKc",
    "kubeconfig's key": "LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS0tLS0tCk1IY0NBUUVF",
    "token of a kubeconfig": "token: k3s-0123456789abcdef0123",
    "bootstrap token": "abcdef.0123456789abcdef",
    "AWS": "AKIA" + "IOSFODNN7" + "EXAMPLE",
    "GitHub": "ghp_" + "a1B2" * 9,
    "GitLab": "glpat-" + "a1B2" * 5,
    "Slack": "xoxb-" + "1234567890-abcdefghij",
    "Stripe": "sk_live_" + "a1B2" * 6,
    "password": "password=hunter2hunter2",
}
PLACES = {
    "path": "https://10.0.0.1/api/v1/namespaces/{}",
    "unknown parameter": "https://10.0.0.1/api?anything={}",
    "command": "https://10.0.0.1/api/v1/pods/a/exec?command=sh&command={}",
    "known parameter": "https://10.0.0.1/api/v1/pods?labelSelector={}",
    "user": "https://me:{}@10.0.0.1/api",
    "fragment": "https://10.0.0.1/api#{}",
}


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("place", PLACES)
def test_no_secret_in_an_address(kind, place):
    """Neither as it is nor with its signs quoted."""
    secret = SECRETS[kind]
    core = secret.split()[-1].partition("=")[2] or secret.split()[-1]
    for written in (secret, secret.replace(" ", "%20"), secret.replace(" ", "+")):
        found = masks.url(PLACES[place].format(written))
        assert core not in found
        assert leaks.find(found) == []
        assert found.startswith("https://10.0.0.1/api")


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1:6443/api/v1/namespaces/kube-system/pods?limit=500",
        "http://[::1]:8001/apis/apps/v1/deployments?watch=1&resourceVersion=12",
        "https://h/api/v1/pods?labelSelector=app%3Dweb&fieldSelector=status.phase%3DX",
        "https://h/openapi/v3/apis/batch/v1?hash=0A1B2C3D",
        "https://h/api/v1/namespaces/%ED%95%9C/pods",
    ],
)
def test_what_is_harmless_stays(address):
    """The log is to be read."""
    assert masks.url(address) == address


def test_an_address_that_is_none_goes():
    """What cannot be read cannot be known to be harmless."""
    assert masks.url("https://[::1") == masks.REMOVED


def test_headers_keep_their_names():
    """A value is kept of headers that are known, and of them no secret either."""
    pairs = [
        ("Accept", "application/json"),
        ("Authorization", f"Bearer {JWT}"),
        ("Cookie", "session=1"),
        ("set-cookie", "session=1"),
        ("X-Api-Key", "1234"),
        ("User-Agent", f"curl {JWT}"),
        ("Location", "/here?token=1"),
    ]
    found = masks.headers(pairs)
    assert [name for name, _ in found] == [name for name, _ in pairs]
    assert dict(found)["Accept"] == "application/json"
    values = [value for name, value in found if name not in ("Accept", "User-Agent")]
    assert set(values) == {masks.REMOVED}
    assert JWT not in dict(found)["User-Agent"]


def test_an_address_in_a_text_loses_its_user():
    """As where a mirror is named that wants a password."""
    told = "LAB_MIRROR=https://me:hunter2@mirror.example/x did not answer"
    assert masks.text(told) == (
        "LAB_MIRROR=https://(removed)@mirror.example/x did not answer"
    )
    harmless = "image https://mirror.example/toolbox@sha256:0a1b, mail a@b.example"
    assert masks.text(harmless) == harmless
