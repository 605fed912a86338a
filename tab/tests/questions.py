"""Requests that a cluster and the API server for the browser are asked alike.

Each is (who, "VERB path", body, headers); a body that is no text is sent as JSON.
`{token}` and the like stand for what an earlier answer said, see `KEPT`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

NAMESPACE = "same"
CORE, MAPS = (
    f"/api/v1/namespaces/{NAMESPACE}",
    f"/api/v1/namespaces/{NAMESPACE}/configmaps",
)
BATCH = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
APPS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
RBAC = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}"
AUTHN, AUTHZ = "/apis/authentication.k8s.io/v1", "/apis/authorization.k8s.io/v1"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:clerk"
JSON, YAML = "application/json", "application/yaml"
MERGE, STRATEGIC = (
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)
APPLY, OPERATIONS = "application/apply-patch+yaml", "application/json-patch+json"
#: who asks: certificate, trust, headers
CALLERS = {
    "stranger": ("", "", {}),
    "nobody": ("", "cluster", {}),
    "wrong": ("", "cluster", {"Authorization": "Bearer nonsense"}),
    "clerk": ("", "cluster", {"Authorization": "Bearer {token}"}),
    "other": ("", "cluster", {"Authorization": "Bearer {other}"}),
    "admin": ("admin", "cluster", {}),
    "root": ("super-admin", "cluster", {}),
}
#: names of what later requests need: where an answer has it
KEPT = {
    "token": ("status", "token"),
    "other": ("status", "token"),
    "version": ("metadata", "resourceVersion"),
    "uid": ("metadata", "uid"),
    "list": ("metadata", "resourceVersion"),
    "next": ("metadata", "continue"),
}


@dataclass(frozen=True)
class Question:
    """One request; `keep` are names of `KEPT` that its answer gives."""

    who: str
    what: str
    body: str = ""
    headers: dict = field(default_factory=dict)
    keep: tuple[str, ...] = ()

    def request(self, kept: dict) -> dict:
        """Return the request, with what earlier answers said."""

        def filled(text: str) -> str:
            for name, value in kept.items():
                text = text.replace(f"{{{name}}}", value)
            return text

        certificate, trust, headers = CALLERS[self.who]
        verb, _, path = self.what.partition(" ")
        sent = {"User-Agent": "same"} | headers | self.headers
        if self.body:
            sent = {"Content-Type": JSON} | sent
        return {
            "method": verb,
            "path": filled(path),
            "body": filled(self.body),
            "headers": [[name, filled(value)] for name, value in sent.items()],
            "certificate": certificate,
            "trust": trust,
        }


def ask(who, what, body="", kind="", keep=(), **headers) -> Question:
    text = body if isinstance(body, str) else json.dumps(body)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if kind:
        sent["Content-Type"] = kind
    return Question(who, what, text, sent, tuple(keep))


def a(kind: str, name: str = "", version: str = "v1", **rest) -> dict:
    about = {"apiVersion": version, "kind": kind, "metadata": {"name": name}}
    return about | rest


def named(name: str, **data: str) -> dict:
    return a("ConfigMap", name, data=data)


def review(kind: str, group: str, **spec) -> dict:
    return a(kind, version=f"{group}.k8s.io/v1", spec=spec)


def pod(name: str = "idle", **spec) -> dict:
    container = {"name": "main", "image": "toolbox"}
    # A scheduler that is not there, so that nothing happens to it.
    return a(
        "Pod", name, spec={"containers": [container], "schedulerName": "no"} | spec
    )


def questions() -> list[Question]:
    """Return all requests, in their order."""
    parts = (
        beginning, discovery, verbs, codes, lists, patches, conflicts,
        rights, reviews, tokens, kinds, watches, ending,
    )  # fmt: skip
    return [question for part in parts for question in part()]


def beginning() -> Iterator[Question]:
    yield ask("admin", "POST /api/v1/namespaces", a("Namespace", NAMESPACE))
    yield ask("admin", "POST /api/v1/namespaces", a("Namespace", NAMESPACE))
    for name, keep in (("clerk", "token"), ("other", "other")):
        accounts = f"{CORE}/serviceaccounts"
        yield ask("admin", f"POST {accounts}", a("ServiceAccount", name))
        wanted = review("TokenRequest", "authentication")
        yield ask("admin", f"POST {accounts}/{name}/token", wanted, keep=[keep])


def discovery() -> Iterator[Question]:
    paths = (
        "/version", "/api", "/apis", "/api/v1", "/apis/apps", "/apis/apps/v1",
        "/apis/batch/v1",
        "/healthz", "/livez", "/readyz", "/openapi/v3", "/nonsense", "/api/v2", "/",
        "/apis/nonsense.example/v1", "/api/v1/namespaces/same/nonsense",
    )  # fmt: skip
    for path in paths:
        for who in ("nobody", "wrong", "clerk", "admin"):
            yield ask(who, f"GET {path}")
    for path in ("/version", "/api/v1/pods"):
        yield ask("stranger", f"GET {path}")
    together = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    yield ask("clerk", "GET /apis", Accept=together)
    yield ask("admin", "GET /api", Accept=together)
    yield ask("admin", "GET /openapi/v3/apis/batch/v1")
    yield ask("admin", "GET /.well-known/openid-configuration")
    yield ask("nobody", "GET /openid/v1/jwks")


def verbs() -> Iterator[Question]:
    """Ask for each verb, as each caller."""
    for who in ("nobody", "wrong", "clerk", "admin"):
        one = f"{MAPS}/of-{who}"
        yield ask(who, f"POST {MAPS}", named(f"of-{who}", a="1"))
        yield ask(who, f"GET {one}")
        yield ask(who, f"GET {MAPS}")
        yield ask(who, f"PUT {one}", named(f"of-{who}", a="2"))
        yield ask(who, f"PATCH {one}", {"data": {"a": "3"}}, MERGE)
        yield ask(who, f"DELETE {one}")
        yield ask(who, f"DELETE {MAPS}?labelSelector=none=here")
        yield ask(who, f"GET {MAPS}?watch=1&timeoutSeconds=1")
        yield ask(who, "GET /api/v1/nodes/none")
        yield ask(who, "GET /api/v1/secrets?limit=1&labelSelector=none=here")


def codes() -> Iterator[Question]:
    """Send what is wrong in itself."""
    post = f"POST {MAPS}"
    yield ask("admin", post, "{", JSON)
    yield ask("admin", post, "nonsense: [", YAML)
    yield ask("admin", post, "a text", "text/plain")
    yield ask("admin", post, a("Secret", "x"))
    yield ask("admin", post, a("ConfigMap", "x", "v2"))
    yield ask("admin", post, a("Nonsense", "x"))
    yield ask("admin", post, {"data": {}})
    yield ask("admin", post, named(""))
    yield ask("admin", post, named("Not_A_Name"))
    yield ask("admin", post, named("long" * 80))
    yield ask(
        "admin",
        post,
        named("elsewhere") | {"metadata": {"name": "e", "namespace": "e"}},
    )
    yield ask(
        "admin",
        post,
        named("label") | {"metadata": {"name": "l", "labels": {"a": "?"}}},
    )
    yield ask("admin", post, a("ConfigMap", "number", data={"a": 1}))
    yield ask("admin", post, a("ConfigMap", "key", data={"a/b": "1"}))
    for size in (1_100_000, 3_200_000):
        yield ask("admin", post, named("large", a="x" * size))
    yield ask("admin", f"{post}?dryRun=All", named("dry", a="1"))
    yield ask("admin", f"{post}?dryRun=Some", named("dry"))
    yield ask("admin", f"{post}?fieldValidation=Some", named("dry"))
    yield ask("admin", f"{post}?fieldManager={'m' * 200}", named("dry"))
    yield ask(
        "admin", post, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yaml}", YAML
    )
    twice = json.dumps(named("d", a="1", b="2")).replace('"b"', '"a"')
    for how in ("Strict", "Warn", "Ignore"):
        job = a("Job", f"x-{how.lower()}", "batch/v1", spec={"paralelism": 1})
        yield ask("admin", f"POST {BATCH}?fieldValidation={how}", job)
        yield ask("admin", f"{post}?dryRun=All&fieldValidation={how}", twice)
    yield ask("admin", f"POST {MAPS}/x", named("x"))
    yield ask("admin", f"PUT {MAPS}", named("x"))
    yield ask("admin", f"PUT {MAPS}/x", named("y"))
    yield ask("admin", f"PATCH {MAPS}", {}, MERGE)
    yield ask("admin", "PUT /version", "{}")
    yield ask("admin", "DELETE /api/v1/namespaces/same/serviceaccounts/nobody")
    yield ask("admin", f"GET {MAPS}/missing")
    yield ask("admin", f"GET {MAPS}/missing/status")
    yield ask("admin", f"GET {CORE}/pods/missing/log")
    yield ask("admin", "GET /api/v1/namespaces/missing/pods")
    yield ask("admin", "POST /api/v1/namespaces/missing/configmaps", named("x"))


def lists() -> Iterator[Question]:
    """Read lists in every form."""
    for name in ("red", "green", "blue"):
        about = {"name": name, "labels": {"kind": "color", "name": name}}
        yield ask("admin", f"POST {MAPS}", named(name) | {"metadata": about})
    colors = f"GET {MAPS}?labelSelector=kind=color"
    yield ask("admin", colors, keep=["list"])
    for more in (
        "kind in (color)",
        "name notin (red)",
        "!kind",
        "name=red,kind",
        "=",
        "a in b",
    ):
        selector = more.replace(" ", "%20").replace("=", "%3D")
        yield ask("admin", f"GET {MAPS}?labelSelector={selector}")
    for more in ("metadata.name=red", "metadata.name!=red", "data.a=1", "nonsense"):
        yield ask("admin", f"{colors}&fieldSelector={more.replace('=', '%3D', 1)}")
    yield ask("admin", f"{colors}&limit=2", keep=["next"])
    yield ask("admin", f"{colors}&limit=2&continue={{next}}")
    yield ask("admin", f"{colors}&continue=nonsense")
    yield ask("admin", f"{colors}&limit=nonsense")
    yield ask("admin", f"{colors}&limit=-1")
    yield ask("admin", f"{colors}&resourceVersion=0")
    yield ask("admin", f"{colors}&resourceVersion=nonsense")
    yield ask("admin", f"{colors}&resourceVersionMatch=Exact")
    yield ask("admin", f"{colors}&resourceVersion={{list}}&resourceVersionMatch=Exact")
    yield ask(
        "admin", f"{colors}&resourceVersion={{list}}&resourceVersionMatch=NotOlderThan"
    )
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    yield ask("admin", colors, Accept=table)
    yield ask("admin", f"{colors}&includeObject=None", Accept=table)
    yield ask(
        "admin", colors, Accept=table.replace("Table", "PartialObjectMetadataList")
    )
    yield ask("admin", colors, Accept=YAML)
    yield ask("admin", colors, Accept="text/html")
    yield ask("admin", f"HEAD {MAPS}/red")
    yield ask("admin", f"OPTIONS {MAPS}/red")


def patches() -> Iterator[Question]:
    """Change an object by each kind of patch."""
    one = f"PATCH {MAPS}/red"
    yield ask("admin", one, {"data": {"a": "1", "b": "2"}}, MERGE)
    yield ask("admin", one, {"data": {"b": None}}, MERGE)
    yield ask("admin", one, {"data": {"$patch": "replace", "c": "3"}}, STRATEGIC)
    yield ask("admin", one, {"data": "nonsense"}, MERGE)
    yield ask("admin", one, "nonsense", MERGE)
    yield ask("admin", one, {"metadata": {"name": "blue"}}, MERGE)
    yield ask("admin", one, {"metadata": {"resourceVersion": "1"}}, MERGE)
    yield ask("admin", one, {"data": {}}, JSON)
    yield ask("admin", one, {"data": {}}, "application/nonsense")
    for operation, path, value in (
        ("add", "/data/d", "4"), ("replace", "/data/d", "5"), ("test", "/data/d", "0"),
        ("test", "/data/d", "5"), ("remove", "/data/nothing", ""),
        ("remove", "/data/d", ""), ("nonsense", "/data/d", ""), ("add", "/none/d", "1"),
    ):  # fmt: skip
        change = [{"op": operation, "path": path, "value": value}]
        yield ask("admin", one, change, OPERATIONS)
    yield ask("admin", one, {"op": "add"}, OPERATIONS)
    applied = f"PATCH {MAPS}/applied"
    yield ask("admin", applied, named("applied", a="1"), APPLY)
    yield ask("admin", f"{applied}?fieldManager=one", named("applied", a="1"), APPLY)
    yield ask("admin", f"{applied}?fieldManager=one", named("applied", a="2"), APPLY)
    yield ask("admin", f"{applied}?fieldManager=two", named("applied", a="3"), APPLY)
    yield ask(
        "admin",
        f"{applied}?fieldManager=two&force=true",
        named("applied", a="3"),
        APPLY,
    )
    yield ask("admin", f"{applied}?fieldManager=one", named("applied"), APPLY)
    yield ask("admin", f"{applied}?fieldManager=one", {"data": {}}, APPLY)
    yield ask("admin", f"{applied}?fieldManager=one", named("applied", e={}), APPLY)
    yield ask("admin", f"{applied}?fieldManager=one&force=true", {}, MERGE)
    yield ask("admin", f"PATCH {MAPS}/missing", {"data": {}}, MERGE)


def conflicts() -> Iterator[Question]:
    """Write what another has written."""
    one = f"{MAPS}/green"
    yield ask("admin", f"GET {one}", keep=["version", "uid"])
    stale = named("green", a="1")
    stale["metadata"]["resourceVersion"] = "{version}"
    yield ask("admin", f"PUT {one}", stale)
    yield ask("admin", f"PUT {one}", stale)
    for name, value in (
        ("resourceVersion", "nonsense"),
        ("uid", "no"),
        ("uid", "{uid}"),
    ):
        changed = named("green", a=value)
        changed["metadata"][name] = value
        yield ask("admin", f"PUT {one}", changed)
    yield ask("admin", f"POST {MAPS}", named("green"))
    for condition in ({"uid": "no"}, {"resourceVersion": "{version}"}):
        yield ask("admin", f"DELETE {one}", {"preconditions": condition})
    yield ask("admin", f"DELETE {one}?propagationPolicy=Nonsense")
    yield ask("admin", f"DELETE {one}?gracePeriodSeconds=nonsense")
    yield ask("admin", f"DELETE {one}?dryRun=All")
    yield ask("admin", f"PATCH {one}", {"immutable": True}, MERGE)
    yield ask("admin", f"PATCH {one}", {"data": {"a": "other"}}, MERGE)
    yield ask("admin", f"PATCH {one}", {"metadata": {"finalizers": ["a.b/c"]}}, MERGE)
    yield ask("admin", f"DELETE {one}")
    yield ask("admin", f"GET {one}")
    yield ask("admin", f"PATCH {one}", {"metadata": {"finalizers": None}}, MERGE)
    yield ask("admin", f"GET {one}")


def rights() -> Iterator[Question]:
    """Grant rights, and try to grant more than one has."""
    group = "rbac.authorization.k8s.io"

    def role(name: str, **rule) -> dict:
        rule = {
            "apiGroups": [""],
            "resources": ["pods"],
            "verbs": ["get", "list"],
        } | rule
        return a("Role", name, f"{group}/v1", rules=[rule])

    def binding(name: str, to: str, kind: str = "Role") -> dict:
        subject = {"kind": "ServiceAccount", "name": "clerk", "namespace": NAMESPACE}
        ref = {"apiGroup": group, "kind": kind, "name": to}
        return a("RoleBinding", name, f"{group}/v1", roleRef=ref, subjects=[subject])

    yield ask("clerk", f"GET {CORE}/pods")
    yield ask("clerk", f"POST {RBAC}/roles", role("mine"))
    yield ask("admin", f"POST {RBAC}/roles", role("see"))
    yield ask("admin", f"POST {RBAC}/roles", role("wrong", verbs=[]))
    yield ask("admin", f"POST {RBAC}/roles", role("wrong", nonResourceURLs=["/x"]))
    yield ask("admin", f"POST {RBAC}/rolebindings", binding("see", "see"))
    yield ask("admin", f"PUT {RBAC}/rolebindings/see", binding("see", "other"))
    yield ask(
        "admin", f"POST {RBAC}/rolebindings", binding("edit", "nonsense", "Other")
    )
    yield ask("clerk", f"GET {CORE}/pods")
    yield ask("clerk", f"GET {CORE}/pods/missing")
    yield ask("clerk", f"DELETE {CORE}/pods/missing")
    yield ask("clerk", "GET /api/v1/namespaces/default/pods")
    yield ask("other", f"GET {CORE}/pods")
    roles = {
        "apiGroups": [group],
        "resources": ["roles", "rolebindings"],
        "verbs": ["*"],
    }
    yield ask("admin", f"POST {RBAC}/roles", role("roles", **roles))
    yield ask("admin", f"POST {RBAC}/rolebindings", binding("roles", "roles"))
    yield ask("clerk", f"POST {RBAC}/roles", role("more", verbs=["delete"]))
    yield ask("clerk", f"POST {RBAC}/roles", role("as-much"))
    yield ask(
        "clerk", f"POST {RBAC}/rolebindings", binding("more", "admin", "ClusterRole")
    )
    for who in ("clerk", "admin"):
        yield ask(who, f"GET {CORE}/pods", Impersonate_User=ACCOUNT)
        yield ask(who, "GET /api/v1/pods", Impersonate_User="jane")
        yield ask(who, f"GET {CORE}/pods", Impersonate_Group="system:masters")


def reviews() -> Iterator[Question]:
    """Ask who one is, and what one may do."""
    for who in ("nobody", "wrong", "clerk", "admin", "root"):
        whoami = review("SelfSubjectReview", "authentication")
        yield ask(who, f"POST {AUTHN}/selfsubjectreviews", whoami)
        rules = review("SelfSubjectRulesReview", "authorization", namespace="none")
        yield ask(who, f"POST {AUTHZ}/selfsubjectrulesreviews", rules)
        for resource in ("pods", "secrets"):
            about = {"namespace": NAMESPACE, "verb": "list", "resource": resource}
            may = {"resourceAttributes": about}
            access = review("SelfSubjectAccessReview", "authorization", **may)
            yield ask(who, f"POST {AUTHZ}/selfsubjectaccessreviews", access)
    of_clerk = review("SubjectAccessReview", "authorization", user=ACCOUNT, **may)
    yield ask("admin", f"POST {AUTHZ}/subjectaccessreviews", of_clerk)
    yield ask("clerk", f"POST {AUTHZ}/subjectaccessreviews", of_clerk)
    nothing = review("SubjectAccessReview", "authorization", user=ACCOUNT)
    yield ask("admin", f"POST {AUTHZ}/subjectaccessreviews", nothing)
    for token in ("{token}", "nonsense"):
        valid = review("TokenReview", "authentication", token=token)
        yield ask("admin", f"POST {AUTHN}/tokenreviews", valid)


def tokens() -> Iterator[Question]:
    """Ask for tokens, and use some that are not accepted."""
    path = f"POST {CORE}/serviceaccounts/clerk/token"
    for spec in (
        {"expirationSeconds": 60}, {"expirationSeconds": 1 << 33},
        {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "missing"}},
        {"boundObjectRef": {"kind": "Node", "apiVersion": "v1", "name": "missing"}},
    ):  # fmt: skip
        yield ask("admin", path, review("TokenRequest", "authentication", **spec))
    yield ask("clerk", path, review("TokenRequest", "authentication"))
    elsewhere = review("TokenRequest", "authentication", audiences=["elsewhere"])
    yield ask("admin", path, elsewhere, keep=["other"])
    yield ask("other", "GET /api")
    yield ask("nobody", "GET /api", Authorization="Bearer ")
    yield ask("nobody", "GET /api", Authorization="Basic YTpi")
    yield ask("nobody", "GET /api", Authorization="Bearer a.b.c")
    yield ask("admin", f"DELETE {CORE}/serviceaccounts/other")
    yield ask("other", "GET /api")


def kinds() -> Iterator[Question]:
    """Make objects of many kinds, right and wrong."""
    pods = f"POST {CORE}/pods"
    yield ask("admin", f"GET {CORE}/configmaps/kube-root-ca.crt")
    yield ask("admin", pods, pod())
    yield ask("admin", pods, pod("wrong", containers=[]))
    yield ask("admin", pods, pod("wrong", restartPolicy="Nonsense"))
    yield ask("admin", pods, pod("wrong", serviceAccountName="missing"))
    yield ask("admin", f"GET {CORE}/pods/idle")
    yield ask(
        "admin", f"PATCH {CORE}/pods/idle", {"spec": {"schedulerName": "x"}}, MERGE
    )
    yield ask("admin", f"GET {CORE}/pods/idle/log")
    yield ask("admin", f"GET {CORE}/pods/idle/exec?command=true")
    yield ask("admin", f"DELETE {CORE}/pods/idle?gracePeriodSeconds=0")
    deployment = {
        "selector": {"matchLabels": {"app": "a"}},
        "template": {"metadata": {"labels": {"app": "b"}}, "spec": pod()["spec"]},
    }
    made = a("Deployment", "one", "apps/v1", spec=deployment)
    yield ask("admin", f"POST {APPS}", made)
    made["spec"]["template"]["metadata"]["labels"]["app"] = "a"
    made["spec"]["replicas"] = 0
    yield ask("admin", f"POST {APPS}?dryRun=All", made)
    made["spec"]["template"]["spec"]["containers"][0]["args"] = ["x" * 1_572_864]
    yield ask("admin", f"POST {APPS}", made)
    template = {"spec": pod()["spec"] | {"restartPolicy": "Never"}}
    job = a("Job", "one", "batch/v1", spec={"template": template, "suspend": True})
    yield ask("admin", f"POST {BATCH}?dryRun=All", job)
    job["spec"]["template"]["spec"]["restartPolicy"] = "Always"
    yield ask("admin", f"POST {BATCH}", job)
    services = f"POST {CORE}/services"
    for spec in ({"ports": [{"port": 80}]}, {"ports": [{"port": 0}]}, {"ports": []}):
        yield ask("admin", services, a("Service", "web", spec=spec))
    away = {"ports": [{"port": 80}], "clusterIP": "192.0.2.1"}
    yield ask("admin", services, a("Service", "away", spec=away))
    yield ask("admin", f"GET {CORE}/services/web/proxy/")
    secret = a("Secret", "s", type="kubernetes.io/tls", data={"tls.crt": "eA=="})
    yield ask("admin", f"POST {CORE}/secrets", secret)
    yield ask(
        "admin", f"POST {CORE}/secrets", a("Secret", "s", data={"a": "not base64"})
    )
    yield ask(
        "admin", f"POST {CORE}/secrets", a("Secret", "s", stringData={"a": "text"})
    )
    largest = [{"type": "Container", "max": {"cpu": "100m"}}]
    yield ask(
        "admin",
        f"POST {CORE}/limitranges",
        a("LimitRange", "l", spec={"limits": largest}),
    )
    yield ask("admin", pods, pod("greedy"))
    restricted = {
        "metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    }
    yield ask("admin", f"PATCH /api/v1/namespaces/{NAMESPACE}", restricted, MERGE)
    yield ask("admin", pods, pod("privileged"))
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
    lease = a("Lease", "one", "coordination.k8s.io/v1", spec={"holderIdentity": "me"})
    yield ask("admin", f"POST {leases}", lease)
    yield ask(
        "admin", f"PATCH {leases}/one", {"spec": {"leaseDurationSeconds": 0}}, MERGE
    )


def watches() -> Iterator[Question]:
    """Resume watches from what a list said."""
    colors = f"GET {MAPS}?watch=1&timeoutSeconds=1&labelSelector=kind=color"
    yield ask("admin", f"{colors}&resourceVersion={{list}}")
    yield ask("admin", f"{colors}&resourceVersion={{list}}&allowWatchBookmarks=true")
    yield ask("admin", f"{colors}&resourceVersion=0")
    yield ask("admin", f"{colors}&resourceVersion=nonsense")
    initial = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    yield ask("admin", f"{colors}&{initial}&allowWatchBookmarks=true")
    yield ask("admin", f"{colors}&sendInitialEvents=true")
    yield ask("clerk", f"GET {CORE}/pods?watch=1&timeoutSeconds=1")
    yield ask("clerk", f"GET {CORE}/secrets?watch=1&timeoutSeconds=1")
    yield ask("admin", f"GET {MAPS}?watch=nonsense&timeoutSeconds=1")


def ending() -> Iterator[Question]:
    yield ask("admin", f"DELETE /api/v1/namespaces/{NAMESPACE}")
