"""Keys and certificates: who is who, and what is made again."""

import contextlib
import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

from cluster.machine import components, layout, pki
from cluster.tests.machine.test_components import FACTS

DER = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
SERVERS = ("apiserver", "kubelet", "controller-manager", "scheduler")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a directory with everything, for tests that only look."""
    directory = tmp_path_factory.mktemp("pki") / "pki"
    pki.ensure(directory)
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


def handshake(directory, stem, host):
    """Shake hands in memory; return what the server learns of the client."""
    purposes = (ssl.Purpose.SERVER_AUTH, ssl.Purpose.CLIENT_AUTH)
    for_client, for_server = (
        ssl.create_default_context(purpose, cafile=directory / "ca.crt")
        for purpose in purposes
    )
    for_server.verify_mode = ssl.CERT_REQUIRED
    for context, name in ((for_client, "super-admin"), (for_server, stem)):
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.load_cert_chain(directory / f"{name}.crt", directory / f"{name}.key")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = for_client.wrap_bio(to_client, to_server, server_hostname=host)
    server = for_server.wrap_bio(to_server, to_client, server_side=True)
    waiting = [client, server]
    while waiting:
        for end in [*waiting]:
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
                waiting.remove(end)
    return server.getpeercert()


@pytest.mark.parametrize("leaf", pki.LEAVES, ids=lambda leaf: leaf.stem)
def test_every_leaf_is_signed_by_the_ca_for_its_use(made, leaf):
    ca, found = certificate(made, leaf.authority), certificate(made, leaf.stem)
    found.verify_directly_issued_by(ca)
    uses = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert (Usage.SERVER_AUTH in uses) == bool(leaf.names) == (leaf.stem in SERVERS)
    assert (Usage.CLIENT_AUTH in uses) == leaf.client == (leaf.stem != "apiserver")
    for each, may_sign in ((ca, True), (found, False)):
        basic = each.extensions.get_extension_for_class(x509.BasicConstraints)
        usage = each.extensions.get_extension_for_class(x509.KeyUsage).value
        assert basic.critical and basic.value.ca is usage.key_cert_sign is may_sign
    assert found.not_valid_after_utc <= ca.not_valid_after_utc


def test_only_the_front_proxy_is_believed_about_users():
    """By the name that the API server tells those whom it asks."""
    [leaf] = [leaf for leaf in pki.LEAVES if leaf.authority == "front-proxy-ca"]
    argv = components.kube_apiserver(FACTS).argv
    assert f"--requestheader-allowed-names={leaf.common_name}" in argv
    for option in (
        f"--proxy-client-cert-file={layout.PKI}/{leaf.stem}.crt",
        f"--requestheader-client-ca-file={layout.PKI}/{leaf.authority}.crt",
    ):
        assert option in argv


def test_only_pid_1_is_a_member_of_system_masters(made):
    masters = [x.stem for x in pki.LEAVES if x.organization == "system:masters"]
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
def test_a_strict_client_accepts_each_server_by_all_its_names_alone(made, stem, hosts):
    for host in hosts:
        peer = handshake(made, stem, host)
        assert (("commonName", "kubernetes-super-admin"),) in peer["subject"]
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        handshake(made, stem, "example.com")


def test_one_key_per_purpose(made):
    publics = []
    for path in made.glob("*.key"):
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        publics.append(key.public_key().public_bytes(*DER))
    # The CAs, the ServiceAccounts, and every leaf.
    assert len(publics) == len(pki.AUTHORITIES) + 1 + len(pki.LEAVES)
    assert len(set(publics)) == len(publics)


def test_each_key_is_in_the_format_of_kubeadms(made):
    """Fabric8 takes the learner's for nothing else than `EC PRIVATE KEY`."""
    heads = {
        path.stem: path.read_text().split("-----")[1] for path in made.glob("*.key")
    }
    assert heads.pop("sa") == "BEGIN RSA PRIVATE KEY"
    assert {*heads.values()} == {"BEGIN EC PRIVATE KEY"}


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


@pytest.mark.parametrize(
    ("date", "days", "renewed"),
    [
        ("not_valid_after_utc", 29, True),
        ("not_valid_after_utc", 31, False),
        # The clock was ahead when it was made, and has been set right since.
        ("not_valid_before_utc", 1, True),
    ],
)
def test_a_leaf_is_renewed_where_it_is_not_valid_or_soon_not(
    directory, monkeypatch, date, days, renewed
):
    before = certificate(directory, "kubelet")
    now = getattr(before, date) - dt.timedelta(days=days)
    monkeypatch.setattr(pki, "_now", lambda: now)
    pki.ensure(directory)
    assert (certificate(directory, "kubelet") != before) is renewed


@pytest.mark.parametrize(("hours", "taken"), [(1, True), (48, False)])
def test_a_certificate_of_a_clock_that_was_ahead(tmp_path, monkeypatch, hours, taken):
    """Ours begin a day early, so that an hour does not matter; two days do."""
    ahead = dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)
    monkeypatch.setattr(pki, "_now", lambda: ahead)
    pki.ensure(tmp_path / "pki")
    with contextlib.nullcontext() if taken else pytest.raises(ssl.SSLError):
        handshake(tmp_path / "pki", "apiserver", "localhost")


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
