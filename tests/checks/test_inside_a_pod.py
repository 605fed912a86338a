"""What a check says of names that are held, and of curl that is refused."""

import pytest

from cluster.kubeconfig import current_entries, pem_of
from helpers.checks import inside_a_pod, name_is_held
from helpers.errors import NotSolved
from tests.running import run, sleeper

PUBLIC = "/etc/ssl/certs/ca-certificates.crt"


@pytest.fixture(scope="module")
def ca(cluster):
    """Return the authority of the cluster, as PEM text."""
    entry, _ = current_entries(cluster.kubeconfig)
    return pem_of(entry, "certificate-authority", cluster.kubeconfig)


@pytest.fixture(scope="module")
def pod(namespace):
    """Return the name of a pod that sleeps, with curl."""
    run(sleeper("curl"))
    return "curl"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("kubernetes.default.svc", ""),
        ("127.0.0.1", "is the host of the URL itself"),
        ("wrong.example", "62, Hostname mismatch, certificate is not valid for"),
    ],
)
def test_a_name_is_held_or_the_names_are_told(cluster, ca, name, said):
    """The server is asked; a refusal has the number and all the names."""
    diagnosis = name_is_held(cluster.server, ca, name, but="127.0.0.1")
    assert said in diagnosis and bool(said) == bool(diagnosis)
    if "62" in said:
        assert "The names are: " in diagnosis and "localhost" in diagnosis


@pytest.mark.parametrize(
    ("wrong_ca", "wrong_host", "said"),
    [
        (PUBLIC, "wrong.example", ""),
        ("", "", "wrong_ca is empty"),
        ("/no/such", "x", "curl ended with 77: /no/such is no file of authorities"),
        (inside_a_pod.CA, "x", "holds the authority that signed it"),
        (PUBLIC, "kubernetes.default", "holds the name kubernetes.default"),
        (PUBLIC, "no host", "as no host, curl ended with 3 (curl: (3)"),
    ],
)
def test_curl_is_refused_twice_or_the_fault_is_named(pod, wrong_ca, wrong_host, said):
    """Once for the issuer, once for the name, and nothing else counts."""
    diagnosis = inside_a_pod.refused_twice(
        pod, wrong_ca=wrong_ca, wrong_host=wrong_host
    )
    assert said in diagnosis and bool(said) == bool(diagnosis)
    assert len(diagnosis.splitlines()) <= 1


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "no URL that begins with https"),
        ("http://10.0.0.1/version", "no URL that begins with https"),
        ("https://kubernetes.default.svc/version", "is a name, so DNS is asked"),
        ("https://{host}/", "The path is '/', not '/version'"),
        ("https://127.0.0.1:9/version", "no API server answers at 127.0.0.1:9"),
    ],
)
def test_a_url_that_needs_dns_or_leads_elsewhere_is_told(pod, url, said):
    """The host has to be an address, and the server behind it the right one."""
    with pytest.raises(NotSolved, match=said):
        inside_a_pod.reach_without_dns(pod, url.format(host="10.0.0.1"))


ENDS = {"A": 6, "B": 60, "C": 200, "D": 200, "E": 403, "F": 401}


def test_requests_end_as_predicted(pod):
    """All six are sent, and the last one may be wrong."""
    assert "Right." in repr(inside_a_pod.predict_from_pod(pod, ENDS))
    with pytest.raises(NotSolved, match="^F: not 403. The server answers."):
        inside_a_pod.predict_from_pod(pod, ENDS | {"F": 403})
    with pytest.raises(NotSolved, match="^B: not 403. There is no answer"):
        inside_a_pod.predict_from_pod(pod, ENDS | {"B": 403})


def test_no_prediction_is_told():
    """No pod is needed for it."""
    with pytest.raises(NotSolved, match="A: there is no number yet"):
        inside_a_pod.predict_from_pod("none", {})
