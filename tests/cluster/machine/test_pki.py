"""Keys and certificates: who is who, and what is made again."""

import base64
import datetime as dt
import json
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

from cluster.kubeconfig import write_embedded
from cluster.machine import layout, pki

SERVERS = ("apiserver", "kubelet", "controller-manager", "scheduler")


def write_all(directory):
    stems = layout.KUBECONFIG_STEMS
    write_embedded(directory, stems, server=layout.API_SERVER, context=layout.CONTEXT)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a directory with everything, for tests that only look."""
    directory = tmp_path_factory.mktemp("pki") / "pki"
    pki.ensure(directory)
    write_all(directory)
    return directory


@pytest.fixture
def directory(tmp_path):
    """Return a directory with everything, for a test that damages it."""
    pki.ensure(tmp_path / "pki")
    return tmp_path / "pki"


def certificate(directory, stem):
    return x509.load_pem_x509_certificate((directory / f"{stem}.crt").read_bytes())


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def handshake(directory, stem, host, *, client="super-admin"):
    """Shake hands in memory; return what the server learns of the client."""
    strict = ssl.create_default_context(cafile=directory / "ca.crt")
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    strict.load_cert_chain(directory / f"{client}.crt", directory / f"{client}.key")
    server = ssl.create_default_context(
        ssl.Purpose.CLIENT_AUTH, cafile=directory / "ca.crt"
    )
    server.verify_flags |= ssl.VERIFY_X509_STRICT
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_cert_chain(directory / f"{stem}.crt", directory / f"{stem}.key")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        strict.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    waiting = list(ends)
    while waiting:
        for end in list(waiting):
            try:
                end.do_handshake()
                waiting.remove(end)
            except ssl.SSLWantReadError:
                pass
    return ends[1].getpeercert()


@pytest.mark.parametrize("leaf", pki.LEAVES, ids=lambda leaf: leaf.stem)
def test_every_leaf_is_signed_by_the_ca_for_its_use(made, leaf):
    ca, found = certificate(made, leaf.authority), certificate(made, leaf.stem)
    found.verify_directly_issued_by(ca)
    uses = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert (Usage.SERVER_AUTH in uses) == bool(leaf.names) == (leaf.stem in SERVERS)
    assert (Usage.CLIENT_AUTH in uses) == leaf.client == (leaf.stem != "apiserver")
    basic = found.extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.critical
    assert basic.value.ca is False
    assert found.not_valid_after_utc <= ca.not_valid_after_utc


@pytest.mark.parametrize("stem", pki.AUTHORITIES)
def test_only_a_ca_may_sign(made, stem):
    ca = certificate(made, stem)
    usage = ca.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.key_cert_sign
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_only_the_front_proxy_is_believed_about_users():
    signed = [leaf.stem for leaf in pki.LEAVES if leaf.authority == "front-proxy-ca"]
    assert signed == ["front-proxy-client"]


def test_only_pid_1_is_a_member_of_system_masters(made):
    masters = [
        leaf.stem for leaf in pki.LEAVES if leaf.organization == "system:masters"
    ]
    assert masters == ["super-admin"]


@pytest.mark.parametrize(
    ("stem", "hosts"),
    [
        ("apiserver", next(leaf.names for leaf in pki.LEAVES if leaf.names)),
        ("kubelet", [layout.NODE_IP]),
        ("controller-manager", ["127.0.0.1"]),
        ("scheduler", ["127.0.0.1"]),
    ],
)
def test_a_strict_client_accepts_each_server_by_all_its_names(made, stem, hosts):
    for host in hosts:
        peer = handshake(made, stem, host)
        assert (("commonName", "kubernetes-super-admin"),) in peer["subject"]


@pytest.mark.parametrize(
    ("stem", "host"), [("apiserver", "example.com"), ("kubelet", "kubernetes")]
)
def test_a_name_that_is_not_in_the_certificate_is_refused(made, stem, host):
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        handshake(made, stem, host)


def test_one_key_per_purpose(made):
    publics = []
    for path in made.glob("*.key"):
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        publics.append(
            key.public_key().public_bytes(
                serialization.Encoding.DER,
                serialization.PublicFormat.SubjectPublicKeyInfo,
            )
        )
    # The CAs, the ServiceAccounts, and every leaf.
    assert len(publics) == len(pki.AUTHORITIES) + 1 + len(pki.LEAVES)
    assert len(set(publics)) == len(publics)


def test_a_second_time_nothing_changes(directory):
    before = contents(directory)
    pki.ensure(directory)
    assert contents(directory) == before


@pytest.mark.parametrize("name", ["kubelet.crt", "kubelet.key", "admin.crt"])
@pytest.mark.parametrize("damage", ["missing", "cut", "empty", "of another"])
def test_a_damaged_leaf_is_made_again_and_only_that(directory, name, damage):
    before = contents(directory)
    path = directory / name
    match damage:
        case "missing":
            path.unlink()
        case "cut":
            path.write_bytes(before[name][: len(before[name]) // 2])
        case "empty":
            path.write_bytes(b"")
        case "of another":
            path.write_bytes(before[name.replace(path.stem, "proxy")])
    pki.ensure(directory)
    after = contents(directory)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {f"{path.stem}.crt", f"{path.stem}.key"}
    certificate(directory, path.stem).verify_directly_issued_by(
        certificate(directory, "ca")
    )


@pytest.mark.parametrize(("days", "renewed"), [(29, True), (31, False)])
def test_a_leaf_is_renewed_before_it_expires(directory, monkeypatch, days, renewed):
    expires = certificate(directory, "kubelet").not_valid_after_utc
    monkeypatch.setattr(pki, "_now", lambda: expires - dt.timedelta(days=days))
    pki.ensure(directory)
    assert (certificate(directory, "kubelet").not_valid_after_utc > expires) is renewed


@pytest.mark.parametrize("suffix", ["crt", "key"])
@pytest.mark.parametrize("stem", pki.AUTHORITIES)
def test_what_a_lost_ca_signed_is_signed_again_and_only_that(directory, stem, suffix):
    before = contents(directory)
    (directory / f"{stem}.{suffix}").write_text("-----BEGIN")
    pki.ensure(directory)
    after = contents(directory)
    signed = [leaf.stem for leaf in pki.LEAVES if leaf.authority == stem]
    assert {Path(name).stem for name in after if after[name] != before[name]} == {
        stem,
        *signed,
    }
    for leaf in signed:
        certificate(directory, leaf).verify_directly_issued_by(
            certificate(directory, stem)
        )


def test_keys_of_an_earlier_version_are_completed(directory):
    before = contents(directory)
    added = [path.name for path in directory.glob("front-proxy-*")]
    assert len(added) == 4
    for name in added:
        (directory / name).unlink()
    pki.ensure(directory)
    after = contents(directory)
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {*added}


def test_a_ca_that_is_not_ours_any_more_makes_new_leaves(directory, tmp_path):
    pki.ensure(tmp_path / "other")
    for name in ("ca.crt", "ca.key"):
        (directory / name).write_bytes((tmp_path / "other" / name).read_bytes())
    pki.ensure(directory)
    certificate(directory, "admin").verify_directly_issued_by(
        certificate(tmp_path / "other", "ca")
    )


@pytest.mark.parametrize("name", ["sa.key", "sa.pub"])
def test_a_lost_service_account_key_is_made_with_its_public_half(directory, name):
    (directory / name).write_text("-----BEGIN")
    pki.ensure(directory)
    key = serialization.load_pem_private_key((directory / "sa.key").read_bytes(), None)
    public = serialization.load_pem_public_key((directory / "sa.pub").read_bytes())
    assert isinstance(public, rsa.RSAPublicKey)
    assert key.public_key() == public


@pytest.mark.parametrize("stem", layout.KUBECONFIG_STEMS)
def test_each_component_has_the_kubeconfig_of_its_own_key(made, stem):
    found = json.loads((made / f"{stem}.conf").read_text())
    user, cluster = found["users"][0]["user"], found["clusters"][0]["cluster"]
    for data, name in (
        (user["client-key-data"], f"{stem}.key"),
        (user["client-certificate-data"], f"{stem}.crt"),
        (cluster["certificate-authority-data"], "ca.crt"),
    ):
        assert base64.b64decode(data) == (made / name).read_bytes()
    # kube-proxy must reach the API server without kube-proxy.
    server = f"https://{layout.NODE_IP}:{layout.API_PORT}"
    assert cluster["server"] == server
