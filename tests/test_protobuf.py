"""What protobuf gives is what JSON gives, value by value, of every kind there is."""

import json

import pandas as pd
import pytest

from helpers import jsonlists, protobuf, tables
from helpers.apireader import ApiReader
from helpers.columns import tree
from helpers.command import kubectl
from helpers.discovery import api_resources
from helpers.fieldnumbers import fields, message_of
from helpers.schemas import read_schema


@pytest.mark.parametrize(
    ("notation", "field"),
    [
        ("3 string", ("f", 3, "", "string", False, False)),
        ("16 []core/v1.Container!", ("f", 16, "[]", "core/v1.Container", False, True)),
        ("11 map string", ("f", 11, "map", "string", False, False)),
        (
            "2 meta/v1.LabelSelector?",
            ("f", 2, "", "meta/v1.LabelSelector", True, False),
        ),
    ],
)
def test_notation(notation, field):
    """The table says number, shape, type, and when a value is left out."""
    assert fields({"f": notation}) == [field]


@pytest.mark.parametrize(
    "path",
    [
        ".spec.nosuch",
        ".spec",
        ".spec.containers",
        ".spec.containers[0]",
        ".spec.nodeName[0]",
        ".spec.nodeName.x",
        ".spec.containers.image",
        ".metadata.labels[0]",
        ".metadata.managedFields[0].fieldsV1",
    ],
)
def test_what_protobuf_cannot_give(path):
    """Fields that are not there, and parts that are more than a value."""
    with pytest.raises(protobuf.Undescribed):
        protobuf.plan("v1", "Pod", tree({"A": path}))


def test_kinds_that_are_not_in_the_table():
    """As custom resources are not."""
    with pytest.raises(protobuf.Undescribed):
        protobuf.plan("example.com/v1", "Pod", tree({"A": ".metadata.name"}))


def test_what_columns_hold():
    """The table tells types that wire formats do not: times, quantities, either."""
    plan = protobuf.plan(
        "v1",
        "Pod",
        tree(
            {
                "TIME": ".status.startTime",
                "CPU": ".spec.containers[0].resources.requests.cpu",
                "PORT": ".spec.containers[0].readinessProbe.httpGet.port",
                "FIRST": ".spec.volumes[0].configMap.name",
                "IMAGES": ".spec.containers[*].image",
                "LABELS": ".metadata.labels",
            }
        ),
    )
    assert plan.kinds == {
        "TIME": "time",
        "CPU": "quantity",
        "PORT": "string",
        "FIRST": "string",
        "IMAGES": "object",
        "LABELS": "object",
    }
    assert plan.quantities == {"CPU"}


LABELS = {"app": "web", "example.com/empty": ""}
CONTAINER = {
    "name": "main",
    "image": "toolbox:1",
    "command": ["sleep", "infinity"],
    "env": [
        {"name": "A", "value": "b"},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
    ],
    "ports": [{"name": "http", "containerPort": 8080}],
    "readinessProbe": {"exec": {"command": ["true"]}, "initialDelaySeconds": 0},
    "resources": {"requests": {"cpu": "10m", "memory": "1Mi"}, "limits": {"cpu": "2"}},
    "securityContext": {"allowPrivilegeEscalation": False},
}
POD = {
    "metadata": {"labels": LABELS},
    "spec": {
        "automountServiceAccountToken": False,
        "containers": [CONTAINER],
        "terminationGracePeriodSeconds": 0,
        "tolerations": [
            {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0}
        ],
        "volumes": [
            {"name": "a", "emptyDir": {"sizeLimit": "1Gi"}},
            {"name": "b", "configMap": {"name": "b", "optional": True}},
        ],
    },
}
ONCE = {**POD, "spec": {**POD["spec"], "restartPolicy": "Never"}}
#: zeros and falses that mean something, ports by name and by number, parts inline
OBJECTS = {
    ("apps/v1", "Deployment"): {
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": "25%"}},
            "template": POD,
        }
    },
    ("v1", "Pod"): POD,
    ("batch/v1", "Job"): {"spec": {"suspend": False, "template": ONCE}},
    ("batch/v1", "CronJob"): {
        "spec": {
            "schedule": "0 0 1 1 *",
            "suspend": True,
            "jobTemplate": {"spec": {"template": ONCE}},
        }
    },
    ("v1", "Service"): {
        "spec": {
            "selector": {"app": "web"},
            "ports": [
                {"name": "a", "port": 80, "targetPort": "http"},
                {"name": "b", "port": 81, "targetPort": 8080},
            ],
        }
    },
    ("networking.k8s.io/v1", "NetworkPolicy"): {
        "spec": {
            "podSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]},
            "ingress": [{"ports": [{"port": 80}, {"port": "http"}]}],
        }
    },
    ("v1", "ResourceQuota"): {"spec": {"hard": {"requests.storage": "5Gi"}}},
    ("v1", "PersistentVolumeClaim"): {
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        }
    },
    ("policy/v1", "PodDisruptionBudget"): {
        "spec": {"minAvailable": "50%", "selector": {"matchLabels": {"app": "web"}}}
    },
}


@pytest.fixture(scope="module")
def made(namespace):
    """Make an object of each kind that holds something special."""
    items = [
        {"apiVersion": version, "kind": kind, **body}
        | {"metadata": {"name": "special", **body.get("metadata", {})}}
        for (version, kind), body in OBJECTS.items()
    ]
    listed = {"apiVersion": "v1", "kind": "List", "items": items}
    kubectl("create", "-f", "-", input=json.dumps(listed))
    kubectl("wait", "--for=condition=Ready", "pod/special", "--timeout=60s")
    return namespace


#: in maps, whose keys no schema names, and whole maps and lists
INSIDE = [
    ".metadata.labels",
    ".metadata.labels.app",
    r".metadata.labels.example\.com/empty",
    ".metadata.finalizers",
    ".spec.containers[0].resources.requests.cpu",
    ".spec.containers[0].resources.requests.memory",
    ".spec.containers[*].resources.limits.cpu",
    ".spec.hard['requests.storage']",
    ".spec.resources.requests.storage",
    ".status.capacity.memory",
    ".data",
]


def readable(schema, api_version, kind):
    """Return the path of every value below a schema that protobuf can give."""
    found = list(schema.tree(depth=9)["FIELD"])
    values = [path for path in found if schema.at(path).holds() not in MORE]
    return [path for path in values + INSIDE if _can(api_version, kind, path)]


#: what is more than a value
MORE = ("any", "object")


def listed(cluster):
    """Return path, version and kind of all that is stored."""
    with ApiReader(cluster.kubeconfig) as server:
        resources = api_resources(server)
    for row in resources.itertuples():
        ours = "." not in row.APIVERSION or ".k8s.io/" in row.APIVERSION
        # What cannot be watched is not stored, and has no moment.
        if ours and "watch" in row.VERBS:
            root = "apis" if "/" in row.APIVERSION else "api"
            yield f"/{root}/{row.APIVERSION}/{row.NAME}", row.APIVERSION, row.KIND


@pytest.mark.full("infrastructure that lessons do not touch")
def test_every_value_is_the_same(cluster, made):
    """Every field of every kind, read both ways from the real server, in one moment."""
    compared, kinds, missing = 0, set(), set()
    with ApiReader(cluster.kubeconfig) as server:
        for path, api_version, kind in listed(cluster):
            schema = read_schema(server, api_version, kind)
            paths = readable(schema, api_version, kind)
            if not paths:
                missing.add(kind)
                continue
            wanted = tables._Wanted.read(path, dict(zip(paths, paths, strict=True)))
            moment = server.read(f"{path}?limit=1")["metadata"]["resourceVersion"]
            at = f"{path}?resourceVersion={moment}&resourceVersionMatch=Exact"
            wanted = wanted._replace(path=at, form="")
            one = tables._columns(server, wanted, protobuf.CONTENT_TYPE)
            other = tables._columns(server, wanted, jsonlists.CONTENT_TYPE)
            pd.testing.assert_frame_equal(one, other, obj=path)
            compared += int(one.notna().to_numpy().sum())
            kinds |= {kind} if len(one) else set()
    assert {"Pod", "Job", "Service", "Node", "Lease", "ClusterRole"} <= kinds
    assert compared > 1000
    # They are of servers in the server, whose types are not with the others.
    assert missing <= {"APIService", "CustomResourceDefinition"}


def _can(api_version, kind, path):
    message = message_of(api_version, kind) or ""
    try:
        # A plan, without the classes that decode it: there are thousands of fields.
        list(protobuf._Places().below(message, tree({"A": path})))
    except protobuf.Undescribed:
        return False
    return True
