"""A kind is described by the server: fields, what is required, enums, defaults."""

import pytest

from helpers import errors
from helpers.api import schemas
from helpers.api.proxy import KubectlProxy


@pytest.fixture(scope="module")
def server(cluster):
    """Yield a proxy to the real API server."""
    with KubectlProxy() as running:
        yield running


def test_tree_without_rows(server):
    """A field that is one value has nothing below it, and the columns stay."""
    leaf = schemas.read_schema(server, "v1", "Pod").at(".spec.nodeName")
    assert list(leaf.tree().columns)[:3] == ["FIELD", "TYPE", "REQUIRED"]
    assert len(leaf.tree()) == 0
    assert len(schemas.read_schema(server, "v1", "Pod").tree(depth=1)) == 5


def test_a_schema_that_holds_itself(server):
    """The schema of schemas: a tree of it ends."""
    name = "CustomResourceDefinition"
    crd = schemas.read_schema(server, "apiextensions.k8s.io/v1", name)
    assert len(crd.tree()) > 100


@pytest.mark.parametrize(
    ("path", "type"),
    [
        (".metadata.name", "string"),
        (".metadata.creationTimestamp", "Time"),
        (".metadata.labels", "map[string]string"),
        (".metadata.labels.app", "string"),
        (".spec.containers", "[]Container"),
        (".spec.containers[*]", "Container"),
        (".spec.containers.image", "string"),
        (".spec.containers[*].resources.requests.cpu", "Quantity"),
        (".spec.containers.readinessProbe.httpGet.port", "IntOrString"),
        (".spec.priority", "integer"),
        (".spec.hostNetwork", "boolean"),
        (".metadata.managedFields[*].fieldsV1", "FieldsV1"),
    ],
)
def test_at(server, path, type):
    """Each place has a type, as kubectl writes it."""
    assert schemas.read_schema(server, "v1", "Pod").at(path).type == type


@pytest.mark.parametrize(
    ("path", "missing", "meant"),
    [
        (".spec.nodname", ".spec.nodname", "nodeName"),
        (".spec.containers[*].imag", ".spec.containers[*].imag", "image"),
        (".metadata.name.first", ".metadata.name.first", "no fields"),
    ],
)
def test_unknown_fields(server, path, missing, meant):
    """The error names the unknown field, and one that was perhaps meant."""
    with pytest.raises(errors.LabError) as caught:
        schemas.read_schema(server, "v1", "Pod").at(path)
    assert caught.value.message == f"There is no field {missing}."
    assert meant in caught.value.hint


def test_unknown_kinds(server):
    """A kind or a version that is not served; near names are named."""
    with pytest.raises(errors.UnknownKind) as caught:
        schemas.read_schema(server, "batch/v1", "Jobs")
    assert "Job" in caught.value.hint
    with pytest.raises(errors.UnknownKind) as caught:
        schemas.read_schema(server, "batch/v2", "Job")
    assert "batch/v1" in caught.value.hint


def test_a_document_is_read_once(server, monkeypatch):
    """A document's URL has its hash, so a second reader asks for the index alone."""
    paths, read = [], server.read
    monkeypatch.setattr(server, "read", lambda path: paths.append(path) or read(path))
    schemas._documents.clear()
    schemas.read_schema(server, "apps/v1", "Deployment")
    schemas.read_schema(server, "apps/v1", "ReplicaSet")
    assert [path.partition("?")[0] for path in paths] == [
        "/openapi/v3",
        "/openapi/v3/apis/apps/v1",
        "/openapi/v3",
    ]
