"""Grants made at random get the verdict of the API server itself.

The check reads bindings and roles; here the server is asked what the account may do (a
SelfSubjectRulesReview with its token) and what others may (SubjectAccessReviews). What
the check accepts is exact. What it refuses although it is exact names somebody who
gets nothing by that, or somebody who may do it anyway.
"""

import json
import os
import random
from datetime import UTC, datetime
from itertools import count, product
from pathlib import Path

import pytest

from cluster import programs
from cluster.tests.waiting import until
from helpers.command import Completed
from helpers.exercises import grants
from helpers.rbac import objects as rbac

RBAC, GROUP = "/apis/rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io"
AUTHORIZATION = "/apis/authorization.k8s.io/v1"
HERE, VERBS = "lesson", ("get", "list")
WANTED = {(verb, "", "configmaps", "") for verb in VERBS}
ACCOUNT = f"system:serviceaccount:{HERE}:app"
#: a user and its groups, besides what every such user has
ACCOUNTS = "system:serviceaccounts"
WITNESSES = {
    f"system:serviceaccount:{HERE}:other": (ACCOUNTS, f"{ACCOUNTS}:{HERE}"),
    f"system:serviceaccount:{HERE}:default": (ACCOUNTS, f"{ACCOUNTS}:{HERE}"),
    "system:serviceaccount:default:stranger": (ACCOUNTS, f"{ACCOUNTS}:default"),
    "alice": ("devs",),
    "system:anonymous": (),
}
RIGHT = {"apiGroups": [""], "resources": ["configmaps"], "verbs": [*VERBS]}
RULES = [
    {**RIGHT, "verbs": ["get"]},
    {**RIGHT, "verbs": ["list"]},
    {**RIGHT, "verbs": ["get", "list", "watch"]},
    {**RIGHT, "verbs": ["*"]},
    {**RIGHT, "resources": ["configmaps", "secrets"]},
    {**RIGHT, "resources": ["*"]},
    {**RIGHT, "apiGroups": ["*"]},
    {**RIGHT, "apiGroups": ["", "apps"]},
    {**RIGHT, "resourceNames": ["one"]},
    {**RIGHT, "resources": ["", "configmaps"]},
    {**RIGHT, "resources": ["pods"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create"]},
    {"apiGroups": [GROUP], "resources": ["rolebindings"], "verbs": ["*"]},
]
#: rules of other API groups, and of paths; the last two give what all accounts have
OTHER_RULES = [
    {"apiGroups": [group], "resources": ["*"], "verbs": ["*"]}
    for group in (
        "certificates.k8s.io",
        "admissionregistration.k8s.io",
        "networking.k8s.io",
        "authentication.k8s.io",
    )
]
OTHER_RULES += [
    {"nonResourceURLs": paths, "verbs": verbs}
    for paths, verbs in (
        (["/*"], ["*"]),
        (["*"], ["get"]),
        (["/metrics"], ["get"]),
        (["/version", "/apis/*"], ["get"]),
        (["/livez"], ["get"]),
    )
]
#: bindings of which the server keeps no `managedFields`, as of all built-in ones of a
#: local cluster
UNTRACKED = (
    f"{RBAC}/clusterrolebindings/cluster-admin",
    f"{RBAC}/clusterrolebindings/system:controller:generic-garbage-collector",
    f"{RBAC}/clusterrolebindings/system:monitoring",
)
#: bindings and roles that were there before the namespace, and may be changed
OLD = (
    *UNTRACKED,
    f"{RBAC}/clusterroles/system:basic-user",
    f"{RBAC}/clusterroles/system:discovery",
    f"{RBAC}/clusterroles/system:public-info-viewer",
    f"{RBAC}/clusterrolebindings/system:basic-user",
    f"{RBAC}/clusterroles/old",
    f"{RBAC}/clusterrolebindings/old",
)
KEPT = {"kept": "true"}
#: words of a sentence about a name beside the account's
NAMED = "let it name the ServiceAccount alone"


def subject(kind, name, namespace=None):
    """Return a subject of a binding."""
    where = {"namespace": namespace} if kind == "ServiceAccount" else {}
    return {"kind": kind, "name": name, **where} | (
        {} if kind == "ServiceAccount" else {"apiGroup": GROUP}
    )


US = [subject("ServiceAccount", "app", HERE), subject("User", ACCOUNT)]
OTHERS = [
    subject("ServiceAccount", "other", HERE),
    subject("ServiceAccount", "stranger", "default"),
    subject("User", "alice"),
    subject("Group", "devs"),
    subject("Group", ACCOUNTS),
    subject("Group", f"{ACCOUNTS}:{HERE}"),
    subject("Group", "system:authenticated"),
    subject("Group", "system:unauthenticated"),
]


class World:
    """A namespace of an API server, in which grants come and go."""

    def __init__(self, server):
        """Make what is older than the namespace, and then that."""
        self.caller, self.numbers = server.caller(), count()
        self.me = self.ask("selfsubjectreviews", {}, "authentication.k8s.io")["status"][
            "userInfo"
        ]["username"]
        rule = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}
        self.post("clusterroles", "old", rules=[rule], labels=KEPT)
        alice = OTHERS[2:3]
        self.bind(
            "clusterrolebindings", "old", "ClusterRole", "old", alice, labels=KEPT
        )
        # It serves before it has made all its own bindings, and one that is newer than
        # the namespace counts as the learner's.
        until(lambda: self.caller.get("/readyz").status == 200)
        for path in UNTRACKED:
            body = self.caller.read(path)
            body["metadata"]["managedFields"] = [{}]
            assert self.caller.request("PUT", path, body=body).status == 200
        # Their times have no parts of a second.
        last = max(self.made_at())
        until(lambda: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}" > last)
        server.post("/api/v1/namespaces", {"metadata": {"name": HERE}})
        path = f"/api/v1/namespaces/{HERE}/serviceaccounts"
        for name in ("app", "other", "default"):
            server.post(path, {"metadata": {"name": name}})
        made = server.post(f"{path}/app/token", {"spec": {"audiences": []}})
        text = made["status"]["token"]
        self.account = type(self.caller)(
            self.caller.server,
            ca=Path(server.api_client().configuration.ssl_ca_cert),
            token=text,
        )
        self.before, self.baseline = self.old(), self.rules()

    def ask(self, kind, spec, group="authorization.k8s.io", caller=None):
        """Return a review."""
        path = f"/apis/{group}/v1/{kind}"
        reply = (caller or self.caller).request("POST", path, body={"spec": spec})
        assert reply.status == 201, reply.text
        return reply.json()

    def made_at(self):
        """Yield when each role and binding of the server was made."""
        for kind in ("roles", "rolebindings", "clusterroles", "clusterrolebindings"):
            for item in self.caller.read(f"{RBAC}/{kind}")["items"]:
                yield item["metadata"]["creationTimestamp"]

    def old(self):
        """Return what is older, by path."""
        return {path: self.caller.read(path) for path in OLD}

    def post(self, kind, name, namespace=None, **fields):
        """Create an object."""
        where = f"namespaces/{namespace}/" if namespace else ""
        body = {"metadata": {"name": name, "labels": {"made": "here"}}, **fields}
        if labels := body.pop("labels", None):
            body["metadata"]["labels"] |= labels
        reply = self.caller.request("POST", f"{RBAC}/{where}{kind}", body=body)
        assert reply.status == 201, reply.text

    def bind(self, kind, name, role_kind, role, subjects, namespace=None, **fields):
        """Create a binding."""
        reference = {"apiGroup": GROUP, "kind": role_kind, "name": role}
        fields |= {"roleRef": reference, "subjects": subjects}
        self.post(kind, name, namespace, **fields)

    def clear(self):
        """Delete what was made, and undo what was changed."""
        for kind in ("roles", "rolebindings"):
            for home in (HERE, "default"):
                path = f"{RBAC}/namespaces/{home}/{kind}"
                self.caller.request("DELETE", f"{path}?labelSelector=made")
        for kind in ("clusterroles", "clusterrolebindings"):
            path = f"{RBAC}/{kind}?labelSelector=made,!kept"
            self.caller.request("DELETE", path)
        for path, was in self.before.items():
            now = self.caller.read(path)
            if any(now.get(key) != was.get(key) for key in ("rules", "subjects")):
                was["metadata"].pop("resourceVersion", None)
                was["metadata"].pop("managedFields", None)
                assert self.caller.request("PUT", path, body=was).status == 200

    def settle(self):
        """Wait until the server's authorizer has read all that was written."""
        name = f"last-{next(self.numbers)}"
        rule = {"apiGroups": ["last"], "resources": [name], "verbs": ["see"]}
        last = [subject("User", "last")]
        self.post("clusterroles", name, rules=[rule])
        self.bind("clusterrolebindings", name, "ClusterRole", name, last)
        self.post("roles", name, HERE, rules=[{**rule, "verbs": ["look"]}])
        self.bind("rolebindings", name, "Role", name, last, HERE)
        for verb in ("see", "look"):
            asked = {"verb": verb, "group": "last", "resource": name, "namespace": HERE}
            spec = {"user": "last", "resourceAttributes": asked}
            until(
                lambda spec=spec: self.ask("subjectaccessreviews", spec)["status"][
                    "allowed"
                ]
            )

    def rules(self):
        """Return what the account may do, by namespace, as the server says."""
        return {home: self.rules_in(home) for home in (HERE, "default")}

    def rules_in(self, namespace):
        """Return each verb, group, resource and name of a SelfSubjectRulesReview.

        A path is a resource of the group "path".
        """
        review = self.ask(
            "selfsubjectrulesreviews", {"namespace": namespace}, caller=self.account
        )
        paths = [
            {"verbs": rule["verbs"], "resources": rule["nonResourceURLs"]}
            for rule in review["status"]["nonResourceRules"]
        ]
        return {
            one
            for rule in [*review["status"]["resourceRules"], *paths]
            for one in product(
                rule["verbs"],
                rule.get("apiGroups", ["path"]),
                rule["resources"],
                rule.get("resourceNames") or [""],
            )
        }

    def answer(self, *words, input=None):
        """Answer as kubectl does, without its process, what the check asks of it."""
        line = " ".join(words)
        if line.startswith("create -f - "):
            items = [
                self.ask(f"{item['kind'].lower()}s", item["spec"])
                for item in input["items"]
            ]
            states = [one["status"] for one in items]
            text = "\n".join(
                f"{one['allowed']} {one.get('reason', '')}".lower().replace(
                    "rbac", "RBAC"
                )
                for one in states
            )
        elif line.startswith("get roles,"):
            kinds = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
            lists = {
                kind: self.caller.read(f"{RBAC}/{kind.lower()}s") for kind in kinds
            }
            text = json.dumps(
                {
                    "items": [
                        {"kind": k, **i} for k, o in lists.items() for i in o["items"]
                    ]
                }
            )
        elif line.startswith(f"get ns {HERE} "):
            meta = self.caller.read(f"/api/v1/namespaces/{HERE}")["metadata"]
            text = meta["creationTimestamp"]
        else:
            texts = {"auth whoami": self.me, "get serviceaccounts": "app default other"}
            text = texts[" ".join(line.split()[:2])]
        return Completed([], text, "", 0)

    def may(self, user, groups, verb, name=""):
        """Return whether a user may do that with the ConfigMaps of the namespace.

        Or with that of a name, which a rule may permit alone.
        """
        asked = {"verb": verb, "resource": "configmaps", "namespace": HERE}
        asked |= {"name": name} if name else {}
        kind = "un" if user == "system:anonymous" else ""
        groups = [*groups, f"system:{kind}authenticated"]
        spec = {"user": user, "groups": groups, "resourceAttributes": asked}
        return self.ask("subjectaccessreviews", spec)["status"]["allowed"]

    def verdict(self):
        """Return why a grant is not exact, as the server decides, or ""."""
        account = (ACCOUNTS, f"{ACCOUNTS}:{HERE}")
        if missing := [verb for verb in VERBS if not self.may(ACCOUNT, account, verb)]:
            return f"it may not {missing}"
        rules = self.rules()
        more = {one for one in rules[HERE] - self.baseline[HERE] if one[3] == ""}
        named = rules[HERE] - self.baseline[HERE] - more
        if excess := more - WANTED | {one for one in named if one[:3] not in GET_LIST}:
            return f"it may {sorted(excess)}"
        if elsewhere := rules["default"] - self.baseline["default"]:
            return f"it may elsewhere {sorted(elsewhere)}"
        for (user, groups), verb in product(WITNESSES.items(), VERBS):
            # Who may do it at all may do it with this one.
            if self.may(user, groups, verb, "one"):
                return f"{user} may {verb}"
        return ""


#: the same without the name of an object
GET_LIST = {one[:3] for one in WANTED}


class Dice:
    """Grants at random."""

    def __init__(self, world, seed):
        """Begin with a seed."""
        self.world, self.random = world, random.Random(seed)

    def roll(self):
        """Make some grants; return them in words."""
        made = [self.grant(number) for number in range(self.random.randint(0, 2))]
        if self.random.random() < 0.8:
            made.append(self.grant_right())
        if self.random.random() < 0.3:
            made.append(self.change_old())
        return made

    def subjects(self, home):
        """Return whom a binding names."""
        pool = [*US, subject("User", self.world.me), *OTHERS]
        chosen = self.random.sample(pool, self.random.choice((1, 1, 2, 3)))
        if self.random.random() < 0.4:
            chosen.append(self.random.choice(US))
        return [
            {key: value for key, value in one.items() if key != "namespace"}
            if one == US[0] and home == HERE and self.random.random() < 0.3
            else one
            for one in chosen
        ]

    def grant_right(self):
        """Let the account do what it should, in one of the ways there are."""
        cut = self.random.random() < 0.3
        halves = [["get"], ["list"]] if cut else [[*VERBS]]
        who = self.random.choice(US)
        for number, verbs in enumerate(halves):
            name, rules = f"right-{number}", [{**RIGHT, "verbs": verbs}]
            kind = self.random.choice(("Role", "ClusterRole"))
            self.role(kind, name, rules, HERE)
            self.world.bind("rolebindings", name, kind, name, [who], HERE)
        return f"right: {halves} for {who['kind']}"

    def role(self, kind, name, rules, home):
        """Create a role; a ClusterRole may be composed of others."""
        if kind == "Role":
            self.world.post("roles", name, home, rules=rules)
        elif self.random.random() < 0.3:
            # What the controller does: this server has none.
            labels = {f"part-of-{name}": "true"}
            for number, rule in enumerate(rules):
                part = f"{name}-part-{number}"
                self.world.post("clusterroles", part, rules=[rule], labels=labels)
            selectors = {"clusterRoleSelectors": [{"matchLabels": labels}]}
            self.world.post(
                "clusterroles", name, aggregationRule=selectors, rules=rules
            )
        else:
            self.world.post("clusterroles", name, rules=rules)

    def grant(self, number):
        """Bind a role; return that in words."""
        name = f"grant-{number}"
        rules = self.random.sample([RIGHT, *RULES], self.random.choice((1, 1, 2)))
        kind = self.random.choice(("rolebindings",) * 3 + ("clusterrolebindings",))
        home = self.random.choice((HERE, HERE, HERE, "default"))
        role = "ClusterRole" if kind[0] == "c" else self.random.choice(ROLES)
        if self.random.random() < 0.9:
            self.role(role, name, rules, home)
        where = None if kind[0] == "c" else home
        subjects = self.subjects(where)
        self.world.bind(kind, name, role, name, subjects, where)
        names = [one["name"] for one in subjects]
        return f"{kind} in {where}: {role} {rules} for {names}"

    def change_old(self):
        """Change a binding or a role that was there; return that in words."""
        path = self.random.choice(OLD)
        was = self.world.caller.read(path)
        field, new = "rules", self.random.choice([RIGHT, *RULES, *OTHER_RULES])
        if "bindings" in path:
            field, new = "subjects", self.random.choice([*US, *OTHERS])
        body = {**was, field: [*(was.get(field) or ()), new]}
        reply = self.world.caller.request("PUT", path, body=body)
        assert reply.status == 200, reply.text
        return f"{path}: {field} and {new}"


ROLES = ("Role", "Role", "ClusterRole")


#: paths of older releases for all accounts
OLDER = ["/healthz", "/swagger.json", "/swagger-2.0.0.pb-v1", "/swaggerapi/*", "/apis"]


def test_what_every_cluster_gives_to_all_accounts_is_no_fault():
    """And Kubernetes gives more to its own parts alone."""
    seed = Path(programs.__file__).parents[1] / "local/seed.jsonl"
    items = [json.loads(line) for line in seed.read_text().splitlines()]
    bindings = [one for one in items if one["kind"] == "ClusterRoleBinding"]
    shared = [one for one in bindings if rbac.has_outsider(one)]
    assert {one["metadata"]["name"] for one in shared} >= {"system:basic-user"}
    for binding in shared:
        for pair in rbac.pairs(rbac.rules_of(binding, items)):
            assert grants._GIVEN_TO_ALL.fullmatch(" ".join(pair)), pair
    for pair in product(["get"], OLDER):
        assert grants._GIVEN_TO_ALL.fullmatch(" ".join(pair)), pair
    for rule in [*RULES, *OTHER_RULES[:-2]]:
        pairs = rbac.pairs([rule])
        assert not any(grants._GIVEN_TO_ALL.fullmatch(" ".join(one)) for one in pairs)


@pytest.fixture(scope="module")
def world(own_server):
    """Yield the namespace."""
    return World(own_server)


@pytest.mark.full("grants at random, on an API server of its own")
@pytest.mark.parametrize(
    ("seed", "times", "in_process"), [(3, 8, False), (2, 250, True)]
)
def test_what_is_accepted_is_exact(
    world, own_server, monkeypatch, tmp_path, seed, times, in_process
):
    place = own_server.kubeconfig(tmp_path / "kubeconfig")
    place.write_text(
        place.read_text().replace("namespace: default", f"namespace: {HERE}")
    )
    monkeypatch.setattr("helpers.command._kubeconfig", place)
    path = os.pathsep.join([str(programs.ensure_api_server()), os.defpath])
    monkeypatch.setenv("PATH", path)
    if in_process:
        # A process for each question would take most of the time.
        for module in ("exercises.grants", "rbac.objects", "rbac.reviews"):
            monkeypatch.setattr(f"helpers.{module}.kubectl", world.answer)
    dice, seen = Dice(world, seed), {"exact": 0, "refused": 0, "by name": 0}
    for _ in range(times):
        world.clear()
        made = dice.roll()
        world.settle()
        right = world.verdict()
        said = grants.fault_of_grant("app", [*VERBS], "configmaps")
        about = f"{made}\nserver: {right or 'exact'}\ncheck: {said or 'exact'}"
        if right:
            assert said, about
            seen["refused"] += 1
        elif said:
            assert NAMED in said, about
            seen["by name"] += 1
        else:
            seen["exact"] += 1
    print(seen)
    assert min(seen["exact"], seen["refused"]) * 6 >= times, seen
