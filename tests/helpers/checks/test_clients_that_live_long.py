"""What a check of pages says of a function whose token expires half-way."""

import pytest

from cluster.controlplane.apiserver import ApiServer
from helpers.checks.clients_that_live_long import survive_expiry
from helpers.errors import NotSolved
from tests.waiting import until


@pytest.fixture(scope="module")
def server(cluster):
    """Return a method that lists in pages, and a token that has really expired."""
    from kubernetes import client

    with ApiServer() as own:
        core = client.CoreV1Api(own.api_client())
        for name in "abcde":
            core.create_namespaced_config_map("default", {"metadata": {"name": name}})

        def list_page(**options):
            return core.list_namespaced_config_map("default", **options)

        def refused():
            try:
                list_page(limit=2, _continue=token)
            except client.ApiException as error:
                return error.status == 410
            return False

        token = list_page(limit=2).metadata._continue
        own.restart()
        until(refused, 30)
        yield list_page, token


def all_names(list_page):
    names, token = [], None
    while True:
        found = list_page(limit=2, _continue=token)
        names += [one.metadata.name for one in found.items]
        token = found.metadata._continue
        if not token:
            return names


def again(function):
    """Return a function that begins again, as often as it must, after a 410."""
    from kubernetes.client import ApiException

    def patient(list_page):
        while True:
            try:
                return function(list_page)
            except ApiException as error:
                if error.status != 410:
                    raise

    return patient


def one_page(list_page):
    return [one.metadata.name for one in list_page(limit=2).items]


def with_what_it_had():
    """Return a function that begins again and forgets nothing."""
    names = []

    @again
    def function(list_page):
        names.extend(all_names(lambda **o: _remember(names, list_page(**o))))
        return names

    return function


def _remember(names, page):
    names.extend(one.metadata.name for one in page.items)
    page.items = []
    return page


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (again(all_names), ""),
        (all_names, "returned 410, and your function ended there"),
        (one_page, "one page only"),
        (again(lambda list_page: all_names(list_page)[:3]), "Names are missing: d, e."),
        (with_what_it_had(), "2 names are there twice"),
    ],
)
def test_a_token_that_expires_between_two_pages(server, function, said):
    """The server's own 410, and what the function made of it."""
    diagnosis = ""
    try:
        survive_expiry(function, *server)
    except NotSolved as wrong:
        diagnosis = wrong.message
    assert said in diagnosis and bool(said) == bool(diagnosis)


def test_another_refusal_is_not_swallowed(server):
    """A bug in the function shows as what it is, in one line."""
    list_page, token = server
    with pytest.raises(NotSolved, match=r"BadRequestException: \(400\)\): give"):
        survive_expiry(lambda page: page(_continue="nonsense"), list_page, token)
