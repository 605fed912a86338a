"""What a check says of names that are held, and of curl that is refused."""

import pytest

from helpers.checks import certificates
from helpers.errors import NotSolved
from tests.running import run, sleeper

PUBLIC = "/etc/ssl/certs/ca-certificates.crt"


@pytest.fixture(scope="module")
def pod(namespace):
    """Return the name of a pod that sleeps, with curl."""
    run(sleeper("curl"))
    return "curl"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "no answer yet"),
        ("127.0.0.1", "is the host of the URL itself"),
        ("wrong.example", "62, Hostname mismatch.* The names are: .*localhost"),
    ],
)
def test_another_name_is_refused_with_all_that_are_held(cluster, name, said):
    """The server is asked; a refusal has the number and the names."""
    ca = cluster.authority_file()
    with pytest.raises(NotSolved, match=said):
        certificates.find_name(name, server=cluster.server, ca=ca)


@pytest.mark.parametrize(
    ("wrong_ca", "wrong_host", "said"),
    [
        ("", "", "wrong_ca is empty"),
        (PUBLIC, "", "wrong_host is empty"),
        ("/no/such", "x", "77: /no/such is no file of authorities"),
        (certificates.CA, "x", "contains its authority"),
        (PUBLIC, "kubernetes.default", "kubernetes.default is in its certificate"),
        (PUBLIC, "no host", r"As no host, curl .* than the name: curl: \(3\)"),
    ],
)
def test_each_fault_is_named(pod, wrong_ca, wrong_host, said):
    """Once for the issuer, once for the name, and nothing else counts."""
    with pytest.raises(NotSolved, match=said) as wrong:
        certificates.be_refused_twice(pod, wrong_ca=wrong_ca, wrong_host=wrong_host)
    assert len(str(wrong.value).splitlines()) == 1
