"""What a check says of a URL without DNS, and of requests from a pod."""

import pytest

from helpers.checks import inside_a_pod
from helpers.errors import NotSolved
from tests.running import run, sleeper


@pytest.fixture(scope="module")
def pod(namespace):
    """Return the name of a pod that sleeps, with curl."""
    run(sleeper("curl"))
    return "curl"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "not a URL that begins with https"),
        ("http://10.0.0.1/version", "not a URL that begins with https"),
        ("https://$KUBERNETES_SERVICE_HOST/version", "does not fill in a `\\$`"),
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
    """Each is sent until one is wrong, which may be the last."""
    with pytest.raises(NotSolved, match="^F: not 403. The server answers."):
        inside_a_pod.predict_from_pod(pod, ENDS | {"F": 403})
    with pytest.raises(NotSolved, match="^B: not 403. There is no answer"):
        inside_a_pod.predict_from_pod(pod, ENDS | {"B": 403})


def test_no_prediction_is_told():
    """No pod is needed for it."""
    with pytest.raises(NotSolved, match="A: there is no number yet"):
        inside_a_pod.predict_from_pod("none", {})
