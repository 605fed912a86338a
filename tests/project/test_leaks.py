"""The scan of what notebooks show finds planted secrets, and only those."""

import base64

import pytest

from tools import leaks

HEADER = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ"
TOKEN = f"{HEADER}.eyJzdWIiOiJzeXN0ZW06YSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


def pem(kind: str) -> str:
    return f"-----BEGIN {kind}PRIVATE KEY-----\nMIIB\n"


def coded(kind: str) -> str:
    return base64.b64encode(pem(kind).encode()).decode()


PLANTED = {
    "a ServiceAccount's token": (f"token is {TOKEN} here", "a token"),
    "a client key of a kubeconfig": (
        f"    client-key-data: {coded('RSA ')}",
        "a key of a kubeconfig",
    ),
    "a static token of a kubeconfig": (
        "    token: abcdef0123456789abcdef",
        "a key of a kubeconfig",
    ),
    "a header": (
        "> Authorization: Bearer abcdefghijklmnopqrstuvwxyz",
        "a bearer header",
    ),
    "Jupyter's address": (
        "http://127.0.0.1:8888/lab?token=9f8e7d6c5b4a39281706f5e4d3c2b1a0",
        "a token in an address",
    ),
    "a password in an address": (
        "https://admin:correct-horse@10.96.0.1/api",
        "Basic Auth Credentials",
    ),
}


@pytest.mark.parametrize("where", PLANTED)
def test_a_planted_secret_is_found(where):
    text, kind = PLANTED[where]
    assert kind in leaks.find(f"line before\n{text}\nline after")


@pytest.mark.parametrize("kind", ["", "RSA ", "EC "])
def test_a_private_key_in_base64_is_found(kind):
    assert leaks.find(coded(kind)) == ["a private key"]


def test_the_detectors_find_what_no_pattern_of_ours_knows():
    assert leaks.find("key: AKIA" + "IOSFODNN7EXAMPLQ") == ["AWS Access Key"]


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer $TOKEN",
        "error: failed to create token: TokenRequest.authentication.k8s.io is invalid",
        f"token: {HEADER}…",
        base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode(),
        "-----BEGIN CERTIFICATE-----",
        "serviceAccountToken:\n  expirationSeconds: 3607",
        "image: toolbox@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c1",
        "uid: 6f1d5b0e-9d3c-4c39-8f0e-0c6a4f1f9a77",
        "GET https://10.96.0.1:443/api/v1/pods?continue=&limit=500",
    ],
)
def test_what_only_looks_like_a_secret_passes(text):
    assert leaks.find(text) == []
