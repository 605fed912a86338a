"""An object of each kind that `kubectl api-resources` lists, and what becomes of it.

NODE stands for the node's name, AUTHORITY for the certificate of the cluster's
authority, and REQUEST for a certificate signing request.
"""

from collections.abc import Callable
from dataclasses import dataclass

NAMESPACE = "kinds"
_LABELS = {"app": "kinds"}
_POD = {
    "containers": [{"name": "c", "image": "toolbox:1", "command": ["sleep", "600"]}]
}
_TEMPLATE = {"metadata": {"labels": _LABELS}, "spec": _POD}
_RULE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}
_RBAC, _STORAGE = "rbac.authorization.k8s.io", "storage.k8s.io"
_ADMISSION, _DEVICES = "admissionregistration.k8s.io", "resource.k8s.io"
_REVIEW = {"resourceAttributes": {"verb": "list", "resource": "pods"}}
_WEBHOOK = {
    "name": "kinds.example.com",
    "clientConfig": {"url": "https://127.0.0.1:9"},
    "rules": [],
    "admissionReviewVersions": ["v1"],
    "sideEffects": "None",
}
_CONSTRAINTS = {
    "resourceRules": [
        {
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "operations": ["CREATE"],
            "resources": ["podtemplates"],
        }
    ]
}
_CLAIM = {
    "accessModes": ["ReadWriteOnce"],
    "resources": {"requests": {"storage": "1Mi"}},
}
_CRD = {
    "group": "kinds.example.com",
    "names": {"kind": "Thing", "plural": "things"},
    "scope": "Namespaced",
    "versions": [
        {
            "name": "v1",
            "served": True,
            "storage": True,
            "schema": {"openAPIV3Schema": {"type": "object"}},
        }
    ],
}
_TIME = "2026-01-01T00:00:00.000000Z"


@dataclass(frozen=True)
class Kind:
    """One kind: its resource, the rest of an object, and what is to become of it.

    `becomes` gets the object later, or what is at the path `there`. `warns` says that
    no controller of a tab does it: the answer says so. With neither, nothing acts on a
    new object in any cluster.
    """

    group: str
    resource: str
    body: dict
    becomes: Callable[[dict], object] | None = None
    there: str = ""
    warns: bool = False
    name: str = "one"
    is_namespaced: bool = True

    @property
    def path(self) -> str:
        """Return the path of its objects."""
        group = f"/apis/{self.group}" if "/" in self.group else f"/api/{self.group}"
        space = f"/namespaces/{NAMESPACE}" if self.is_namespaced else ""
        return f"{group}{space}/{self.resource}"


def _spec(**values: object) -> dict:
    return {"spec": values}


def _pods(of: str) -> dict:
    """Return the selector and the template of what makes pods."""
    labels = {"of": of}
    template = {"metadata": {"labels": labels}, "spec": _POD}
    return {"selector": {"matchLabels": labels}, "template": template}


def _has(*names: str) -> Callable[[dict], object]:
    """Return a function that returns a value in an object, {} if it is not there."""

    def find(value: dict) -> object:
        for name in names:
            value = (value or {}).get(name) or {}
        return value

    return find


def _condition(kind: str) -> Callable[[dict], object]:
    """Return whether an object has a condition of a kind, whatever its status."""

    def is_there(value: dict) -> bool:
        found = (value.get("status") or {}).get("conditions") or ()
        return any(one["type"] == kind for one in found)

    return is_there


def _everywhere(group: str, resource: str, body: dict, *args, **more) -> Kind:
    return Kind(group, resource, body, *args, **more, is_namespaced=False)


#: the namespace is the first, and a pod needs its account
KINDS = (
    _everywhere(
        "v1",
        "namespaces",
        {},
        _has("metadata", "uid"),
        there="/api/v1/namespaces/kinds/serviceaccounts/default",
        name=NAMESPACE,
    ),
    Kind("v1", "configmaps", {"data": {"a": "b"}}),
    Kind(
        "v1",
        "secrets",
        {
            "type": "kubernetes.io/service-account-token",
            "metadata": {
                "annotations": {"kubernetes.io/service-account.name": "default"}
            },
        },
        _has("data", "token"),
    ),
    Kind("v1", "serviceaccounts", {}),
    Kind(
        "v1",
        "limitranges",
        _spec(limits=[{"type": "Container", "default": {"cpu": "1"}}]),
    ),
    Kind(
        "v1", "resourcequotas", _spec(hard={"configmaps": 99}), _has("status", "used")
    ),
    Kind("v1", "podtemplates", {"template": _TEMPLATE}),
    Kind(
        "v1",
        "pods",
        {"metadata": {"labels": _LABELS}} | _spec(**_POD, schedulerName="nobody"),
        _has("spec", "nodeName"),
    ),
    Kind("v1", "bindings", {"target": {"kind": "Node", "name": "NODE"}}),
    Kind(
        "v1",
        "services",
        _spec(selector=_LABELS, ports=[{"port": 80}]),
        _has("subsets"),
        there="/api/v1/namespaces/kinds/endpoints/one",
    ),
    Kind(
        "v1",
        "endpoints",
        {"subsets": [{"addresses": [{"ip": "10.1.2.3"}], "ports": [{"port": 80}]}]},
        name="two",
    ),
    Kind(
        "v1",
        "services",
        _spec(ports=[{"port": 80}]),
        _has("items"),
        there="/apis/discovery.k8s.io/v1/namespaces/kinds/endpointslices"
        "?labelSelector=kubernetes.io/service-name=two",
        name="two",
    ),
    Kind(
        "v1",
        "events",
        {
            "involvedObject": {"kind": "Pod", "namespace": NAMESPACE, "name": "one"},
            "reason": "Kind",
        },
    ),
    Kind(
        "v1",
        "replicationcontrollers",
        _spec(
            selector={"a": "rc"},
            template=_TEMPLATE | {"metadata": {"labels": {"a": "rc"}}},
        ),
        _has("status", "replicas"),
    ),
    Kind("v1", "persistentvolumeclaims", _spec(**_CLAIM), warns=True),
    _everywhere(
        "v1",
        "persistentvolumes",
        _spec(
            accessModes=["ReadWriteOnce"],
            capacity={"storage": "1Mi"},
            hostPath={"path": "/tmp/kinds"},
        ),
        lambda value: value["status"]["phase"] != "Pending",
        warns=True,
    ),
    _everywhere("v1", "nodes", {}, _has("spec", "taints")),
    Kind("apps/v1", "controllerrevisions", {"revision": 1}),
    Kind(
        "apps/v1",
        "daemonsets",
        _spec(**_pods("daemonsets")),
        _has("status", "desiredNumberScheduled"),
    ),
    Kind(
        "apps/v1",
        "deployments",
        _spec(**_pods("deployments")),
        _has("status", "replicas"),
    ),
    Kind(
        "apps/v1",
        "replicasets",
        _spec(**_pods("replicasets")),
        _has("status", "replicas"),
    ),
    Kind(
        "apps/v1",
        "statefulsets",
        _spec(**_pods("statefulsets"), serviceName="one"),
        _has("status", "replicas"),
    ),
    Kind(
        "batch/v1",
        "jobs",
        _spec(template={"spec": _POD | {"restartPolicy": "Never"}}),
        _has("status", "startTime"),
    ),
    Kind(
        "batch/v1",
        "cronjobs",
        _spec(
            schedule="* * * * *",
            jobTemplate=_spec(template={"spec": _POD | {"restartPolicy": "Never"}}),
        ),
        _has("status", "lastScheduleTime"),
    ),
    Kind(
        "autoscaling/v2",
        "horizontalpodautoscalers",
        _spec(
            scaleTargetRef={
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": "one",
            },
            maxReplicas=3,
        ),
        _condition("AbleToScale"),
        warns=True,
    ),
    Kind(
        "policy/v1",
        "poddisruptionbudgets",
        _spec(selector={"matchLabels": _LABELS}, maxUnavailable=1),
        _has("status", "observedGeneration"),
    ),
    Kind("coordination.k8s.io/v1", "leases", {}),
    Kind(
        "discovery.k8s.io/v1",
        "endpointslices",
        {"addressType": "IPv4", "endpoints": []},
    ),
    Kind(
        "events.k8s.io/v1",
        "events",
        {
            "eventTime": _TIME,
            "action": "Creating",
            "reason": "Kind",
            "reportingController": "example.com/kinds",
            "reportingInstance": "kinds-1",
            "type": "Normal",
        },
        name="two",
    ),
    Kind("networking.k8s.io/v1", "networkpolicies", _spec(podSelector={})),
    Kind(
        "networking.k8s.io/v1",
        "ingresses",
        _spec(defaultBackend={"service": {"name": "one", "port": {"number": 80}}}),
    ),
    _everywhere(
        "networking.k8s.io/v1", "ingressclasses", _spec(controller="example.com/i")
    ),
    _everywhere(
        "networking.k8s.io/v1",
        "ipaddresses",
        _spec(
            parentRef={"resource": "services", "namespace": NAMESPACE, "name": "one"}
        ),
        name="10.96.77.77",
    ),
    _everywhere(
        "networking.k8s.io/v1",
        "servicecidrs",
        _spec(cidrs=["10.55.0.0/24"]),
        _condition("Ready"),
        warns=True,
    ),
    _everywhere("node.k8s.io/v1", "runtimeclasses", {"handler": "runc"}),
    Kind(f"{_RBAC}/v1", "roles", {"rules": [_RULE]}),
    Kind(
        f"{_RBAC}/v1",
        "rolebindings",
        {"roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": "one"}},
    ),
    _everywhere(
        f"{_RBAC}/v1",
        "clusterroles",
        {"rules": [_RULE], "metadata": {"labels": {"kinds": "summed"}}},
        name="summand",
    ),
    _everywhere(
        f"{_RBAC}/v1",
        "clusterroles",
        {
            "rules": [],
            "aggregationRule": {
                "clusterRoleSelectors": [{"matchLabels": {"kinds": "summed"}}]
            },
        },
        _has("rules"),
    ),
    _everywhere(
        f"{_RBAC}/v1",
        "clusterrolebindings",
        {"roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "one"}},
    ),
    _everywhere("authentication.k8s.io/v1", "selfsubjectreviews", {}),
    _everywhere("authentication.k8s.io/v1", "tokenreviews", _spec(token="wrong")),
    Kind(
        "authorization.k8s.io/v1",
        "localsubjectaccessreviews",
        _spec(
            user="a",
            resourceAttributes={
                "namespace": NAMESPACE,
                "verb": "list",
                "resource": "pods",
            },
        ),
    ),
    _everywhere(
        "authorization.k8s.io/v1", "selfsubjectaccessreviews", _spec(**_REVIEW)
    ),
    _everywhere(
        "authorization.k8s.io/v1", "selfsubjectrulesreviews", _spec(namespace=NAMESPACE)
    ),
    _everywhere(
        "authorization.k8s.io/v1", "subjectaccessreviews", _spec(user="a", **_REVIEW)
    ),
    _everywhere(
        f"{_ADMISSION}/v1",
        "validatingadmissionpolicies",
        _spec(matchConstraints=_CONSTRAINTS, validations=[{"expression": "true"}]),
        _has("status", "observedGeneration"),
    ),
    _everywhere(
        f"{_ADMISSION}/v1",
        "validatingadmissionpolicybindings",
        _spec(policyName="one", validationActions=["Warn"]),
    ),
    _everywhere(
        f"{_ADMISSION}/v1",
        "mutatingadmissionpolicies",
        _spec(
            matchConstraints=_CONSTRAINTS,
            reinvocationPolicy="Never",
            mutations=[
                {
                    "patchType": "ApplyConfiguration",
                    "applyConfiguration": {"expression": "Object{}"},
                }
            ],
        ),
    ),
    _everywhere(
        f"{_ADMISSION}/v1", "mutatingadmissionpolicybindings", _spec(policyName="none")
    ),
    _everywhere(
        f"{_ADMISSION}/v1", "validatingwebhookconfigurations", {"webhooks": [_WEBHOOK]}
    ),
    _everywhere(
        f"{_ADMISSION}/v1", "mutatingwebhookconfigurations", {"webhooks": [_WEBHOOK]}
    ),
    _everywhere(
        "apiextensions.k8s.io/v1",
        "customresourcedefinitions",
        _spec(**_CRD),
        _condition("Established"),
        name="things.kinds.example.com",
    ),
    _everywhere(
        "apiregistration.k8s.io/v1",
        "apiservices",
        _spec(
            group="gone.example.com",
            version="v1",
            groupPriorityMinimum=10,
            versionPriority=10,
            service={"namespace": NAMESPACE, "name": "gone"},
        ),
        _condition("Available"),
        name="v1.gone.example.com",
    ),
    _everywhere(
        "certificates.k8s.io/v1",
        "certificatesigningrequests",
        _spec(
            request="REQUEST",
            signerName="kubernetes.io/kube-apiserver-client",
            usages=["client auth"],
        ),
    ),
    _everywhere(
        "certificates.k8s.io/v1", "clustertrustbundles", _spec(trustBundle="AUTHORITY")
    ),
    Kind("certificates.k8s.io/v1", "podcertificaterequests", _spec(podName="one")),
    _everywhere(
        "flowcontrol.apiserver.k8s.io/v1",
        "flowschemas",
        _spec(priorityLevelConfiguration={"name": "nobody"}, matchingPrecedence=9000),
        _condition("Dangling"),
    ),
    _everywhere(
        "flowcontrol.apiserver.k8s.io/v1",
        "prioritylevelconfigurations",
        _spec(type="Limited", limited={"limitResponse": {"type": "Reject"}}),
    ),
    _everywhere(f"{_DEVICES}/v1", "deviceclasses", _spec(selectors=[])),
    _everywhere(
        f"{_DEVICES}/v1",
        "devicetaintrules",
        _spec(deviceSelector={"pool": "p"}, taint={"key": "k", "effect": "NoSchedule"}),
    ),
    Kind(
        f"{_DEVICES}/v1",
        "resourceclaims",
        _spec(
            devices={"requests": [{"name": "d", "exactly": {"deviceClassName": "one"}}]}
        ),
        warns=True,
    ),
    Kind(
        f"{_DEVICES}/v1",
        "resourceclaimtemplates",
        _spec(
            spec={
                "devices": {
                    "requests": [{"name": "d", "exactly": {"deviceClassName": "one"}}]
                }
            }
        ),
    ),
    _everywhere(
        f"{_DEVICES}/v1",
        "resourceslices",
        _spec(
            driver="kinds.example.com",
            nodeName="NODE",
            pool={"name": "p", "generation": 1, "resourceSliceCount": 1},
        ),
    ),
    _everywhere("scheduling.k8s.io/v1", "priorityclasses", {"value": 7}),
    _everywhere(f"{_STORAGE}/v1", "csidrivers", _spec(attachRequired=False)),
    _everywhere(f"{_STORAGE}/v1", "csinodes", _spec(drivers=[])),
    Kind(f"{_STORAGE}/v1", "csistoragecapacities", {"storageClassName": "one"}),
    _everywhere(
        f"{_STORAGE}/v1", "storageclasses", {"provisioner": "kinds.example.com"}
    ),
    _everywhere(
        f"{_STORAGE}/v1",
        "volumeattachments",
        _spec(
            attacher="kinds.example.com",
            nodeName="NODE",
            source={"persistentVolumeName": "one"},
        ),
        warns=True,
    ),
    _everywhere(
        f"{_STORAGE}/v1",
        "volumeattributesclasses",
        {"driverName": "kinds.example.com", "parameters": {"a": "b"}},
    ),
    _everywhere(
        "storagemigration.k8s.io/v1",
        "storageversionmigrations",
        _spec(resource={"group": "", "resource": "configmaps"}),
        warns=True,
    ),
)
