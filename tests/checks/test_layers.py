"""What an application writes, and the layer at which it failed."""

import pytest

from helpers.checks.layers import LAYERS, symptom_of

FORBIDDEN = (
    '403: pods is forbidden: User "system:serviceaccount:here:app" cannot list '
    'resource "pods" in API group "" in the namespace "{}"'
)
ANONYMOUS = '403: pods is forbidden: User "system:anonymous" cannot list resource'
LINES = {
    "curl: (6) Could not resolve host: kubernetes": "name",
    "curl: (7) Failed to connect to 10.96.0.1 port 444": "address",
    "curl: (28) Connection timed out after 5001 milliseconds": "address",
    "curl: (60) SSL certificate problem: self-signed certificate": "TLS",
    "curl: (77) error setting certificate file: /x/ca.crt": "TLS",
    "cat: /x/token: No such file or directory": "authentication",
    "401: Unauthorized": "authentication",
    f'{ANONYMOUS} "pods" in API group "" in the namespace "here"': "authentication",
    FORBIDDEN.format("here"): "authorization",
    FORBIDDEN.format("here-2"): "namespace",
    FORBIDDEN.format("there"): "namespace",
}


@pytest.mark.parametrize(("line", "layer"), LINES.items())
def test_a_line_shows_its_layer(line, layer):
    """A namespace whose name begins alike is another one."""
    assert symptom_of(line, "here").layer == layer


@pytest.mark.parametrize("line", ["200: 4 pods in here", "", "sh: not found"])
def test_no_symptom_is_no_layer(line):
    assert symptom_of(line, "here") is None


def test_every_layer_can_be_shown():
    """What a learner may choose is what a line may mean."""
    assert set(LINES.values()) == set(LAYERS)
