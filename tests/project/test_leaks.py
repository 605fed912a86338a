"""The scan of what notebooks show finds planted secrets, and only those."""

import base64

import pytest

from tools import leaks

HEADER = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ"
TOKEN = f"{HEADER}.eyJzdWIiOiJzeXN0ZW06YSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


KEYS = [
    base64.b64encode(f"-----BEGIN {kind}PRIVATE KEY-----\n".encode()).decode()
    for kind in ("", "RSA ", "EC ")
]

PLANTED = {
    "a ServiceAccount's token": (f"token is {TOKEN} here", "a token"),
    "a client key of a kubeconfig": (
        f"    client-key-data: {KEYS[0]}",
        "a key of a kubeconfig",
    ),
    **{f"a private key {kind}": (kind, "a private key") for kind in KEYS},
    "a key that no pattern of ours knows": (
        "key: AKIA" + "IOSFODNN7EXAMPLQ",
        "AWS Access Key",
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
    "an access token in an address": (
        "https://hub.example/api?page=2&access_token=9f8e7d6c5b4a",
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
