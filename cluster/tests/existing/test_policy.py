"""The server refuses the account of `use` all that is not its own.

Each attempt is a piece of shell with the account's kubeconfig, its token and no guard
in between. The audit log says what the server answered.
"""

import json
import subprocess
from pathlib import Path

import pytest

from cluster.existing import rbac
from cluster.programs import find_kubectl
from cluster.tests.commandline import environment
from cluster.tests.existing.acting import kubectl, make_namespace, manifest, record
from cluster.tests.existing.conftest import use
from cluster.tests.existing.emulated import MINORS

follow = pytest.mark.follow("the policy on servers of other versions")
pytestmark = pytest.mark.parametrize(
    "mine",
    ["", *(pytest.param(minor, marks=follow) for minor in MINORS)],
    indirect=True,
    scope="package",
    ids=lambda minor: minor or "own",
)

OURS, THEIRS, OTHERS = "ours", "production", "of-another-learner"
#: objects of others than this account
FOREIGN = f"""
apiVersion: v1
kind: Namespace
metadata: {{name: {THEIRS}}}
---
apiVersion: v1
kind: Namespace
metadata:
  name: {OTHERS}
  labels: {json.dumps(rbac.namespace_labels("another"))}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: default, namespace: {THEIRS}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings, namespace: {THEIRS}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: web, namespace: {THEIRS}}}
spec: {{containers: [{{name: main, image: web}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: {THEIRS}}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: main, image: web}}]}}
---
apiVersion: v1
kind: Node
metadata: {{name: worker}}
"""
CONFIGMAP = (
    "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a, namespace: production}"
)
POD = "kind: Pod\napiVersion: v1\nmetadata: {name: a, namespace: ours}\nspec: "
PATH = f"/api/v1/namespaces/{THEIRS}"
CURL = 'curl -sS --cacert "$CA" -H "Authorization: Bearer $TOKEN"'
JSON = "-H 'Content-Type: application/json'"
BODY = """'{"metadata": {"name": "a"}}'"""
WEBHOOK = """kind: ValidatingWebhookConfiguration
apiVersion: admissionregistration.k8s.io/v1
metadata: {name: a}
webhooks: []"""


def piped(command: str, text: str) -> str:
    return f"{command} <<'END'\n{text}\nEND"


#: $POLICY, $ROLE and $HOME_OF_ACCOUNT are the names of what `use` has made
ATTEMPTS = {
    # The server sees a request and no command line.
    "a ConfigMap": "kubectl create configmap a -n production",
    "no namespace": "kubectl create configmap a -n ''",
    "replace": piped(
        "kubectl replace -f -", CONFIGMAP.replace("name: a", "name: settings")
    ),
    "all namespaces": "kubectl delete configmaps --all -A",
    "curl": f"{CURL} {JSON} -d {BODY} $SERVER{PATH}/configmaps",
    # Namespaces.
    "delete -f a Namespace": piped(
        "kubectl delete --wait=false -f -", manifest(THEIRS, {})
    ),
    "delete a namespace": "kubectl delete namespace kube-node-lease --wait=false",
    "delete the account's own": "kubectl delete ns $HOME_OF_ACCOUNT --wait=false",
    "label default": "kubectl label namespace default a=b",
    "label kube-system as ours": "kubectl label ns kube-system $LABELS",
    "annotate a namespace": "kubectl annotate namespace production a=b",
    "take over a namespace": "kubectl label namespace production $LABELS",
    "take over another learner's": f"kubectl label --overwrite ns {OTHERS} $LABELS",
    "write to another learner's": f"kubectl create configmap a -n {OTHERS}",
    "a namespace without labels": "kubectl create namespace plain",
    "a namespace of another learner": piped(
        "kubectl create -f -", manifest("given", rbac.namespace_labels("another"))
    ),
    "a namespace without its borders": "kubectl label --overwrite ns ours "
    "pod-security.kubernetes.io/enforce=privileged",
    "finalize": f"{CURL} {JSON} -X PUT -d {BODY} $SERVER{PATH}/finalize",
    "a status": "kubectl patch ns production --subresource=status -p '{}'",
    # Rights.
    "the lessons' role elsewhere": "kubectl create rolebinding a -n production "
    "--clusterrole=$ROLE-lesson --user=$USER_NAME",
    "the lessons' role in kube-system": "kubectl create rolebinding a -n kube-system "
    "--clusterrole=$ROLE-lesson --user=$USER_NAME",
    "cluster-admin": "kubectl create clusterrolebinding a --clusterrole=cluster-admin "
    "--user=$USER_NAME",
    "cluster-admin within": "kubectl create rolebinding a -n ours "
    "--clusterrole=cluster-admin --user=$USER_NAME",
    "escalate": "kubectl create role a -n ours --verb='*' --resource=secrets",
    "edit its own role": "kubectl patch clusterrole $ROLE --type=json "
    '-p \'[{"op": "add", "path": "/rules/-", "value": {"verbs": ["*"]}}]\'',
    "a ClusterRole": "kubectl create clusterrole a --verb=get --resource=secrets",
    "impersonate a group": "kubectl get secrets -A --as=a --as-group=system:masters",
    "impersonate an account": "kubectl delete node worker "
    "--as=system:serviceaccount:kube-system:node-controller",
    "a foreign token": "kubectl create token default -n production",
    "a token of its own": "kubectl create token learner -n $HOME_OF_ACCOUNT",
    "a certificate": piped(
        "kubectl create -f -",
        "kind: CertificateSigningRequest\napiVersion: certificates.k8s.io/v1\n"
        "metadata: {name: a}\nspec:\n  request: YQ==\n"
        "  signerName: kubernetes.io/kube-apiserver-client\n  usages: [client auth]",
    ),
    # The policy.
    "delete the policy": "kubectl delete validatingadmissionpolicy $ROLE",
    "unbind the policy": "kubectl delete validatingadmissionpolicybinding $ROLE",
    "soften the policy": "kubectl patch validatingadmissionpolicybinding $ROLE "
    '--type=merge -p \'{"spec": {"validationActions": ["Warn"]}}\'',
    # Pods and nodes.
    "exec": "kubectl exec -n production web -- id",
    "attach": "kubectl attach -n production web",
    "port-forward": "kubectl port-forward -n production pod/web 0:80",
    "an ephemeral container": "kubectl debug -n production web --image=a",
    "through a pod": f"kubectl get --raw {PATH}/pods/web/proxy/",
    "through a node": "kubectl get --raw /api/v1/nodes/worker/proxy/pods",
    "scale": "kubectl scale -n production deployment/web --replicas=0",
    "evict": f"{CURL} {JSON} -d {BODY} $SERVER{PATH}/pods/web/eviction",
    "bind a pod": f"{CURL} {JSON} -d {BODY} $SERVER{PATH}/pods/web/binding",
    "an event": piped(
        "kubectl create -f -",
        "kind: Event\napiVersion: v1\nmetadata: {name: a, namespace: production}\n"
        "involvedObject: {namespace: production}",
    ),
    "cordon": "kubectl cordon worker",
    "root on a node": piped(
        "kubectl create -f -",
        f"{POD}{{hostPID: true, containers: [{{name: a, image: a}}]}}",
    ),
    "a node's files": piped(
        "kubectl create -f -",
        f"{POD}{{containers: [{{name: a, image: a}}], "
        "volumes: [{name: a, hostPath: {path: /}}]}",
    ),
    # Cluster-scoped objects.
    "a webhook": piped("kubectl create -f -", WEBHOOK),
    "a priority": "kubectl create priorityclass a --value=1",
}


@pytest.fixture(scope="module")
def learner(mine, tmp_path_factory):
    """Return what a shell of a learner knows; foreign objects are there."""
    folder = tmp_path_factory.mktemp("learner")
    env = {"LAB_STATE_DIR": folder / "state", "LAB_BACKEND": "existing"}
    use(env, mine.kubeconfig(folder / "mine.yaml", "mine"), check=True)
    assert mine.apply(FOREIGN).returncode == 0
    make_namespace(env, OURS)
    state = Path(env["LAB_STATE_DIR"])
    document = json.loads((state / "kubeconfig").read_text())
    found = record(env)
    labels = rbac.namespace_labels(found.user)
    return environment(
        {
            "KUBECONFIG": state / "kubeconfig",
            "PATH": f"{find_kubectl()}:/usr/bin:/bin",
            "SERVER": found.server,
            "CA": document["clusters"][0]["cluster"]["certificate-authority"],
            "TOKEN": document["users"][0]["user"]["token"],
            "USER_NAME": found.user,
            "ROLE": rbac.name(found.user),
            "HOME_OF_ACCOUNT": rbac.home(found.state),
            "LABELS": " ".join(f"{key}={labels[key]}" for key in labels),
        }
    )


@pytest.mark.parametrize("name", ATTEMPTS)
def test_the_server_refuses_what_is_outside(mine, learner, name, tmp_path):
    mine.forget()
    done = subprocess.run(
        ["bash", "-c", ATTEMPTS[name]],
        env=learner,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    answers = mine.requests(by=learner["USER_NAME"])
    assert 403 in [code for *_, code in answers], (done, answers)
    assert mine.writes() == []


def test_what_is_its_own_can_be_written(mine, learner, used):
    make_namespace(used, "hers")
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview"}
    for line, text in (
        ("label namespace hers a=b", ""),
        ("create configmap a --namespace=hers", ""),
        ("label configmap a b=c --namespace=hers", ""),
        ("run a --image=a --namespace=hers", ""),
        ("create token default --namespace=hers", ""),
        ("delete configmap a --namespace=hers", ""),
        ("create -f -", json.dumps({**review, "spec": {"token": "none"}})),
        ("delete namespace hers --wait=false", ""),
    ):
        done = kubectl(used, *line.split(), input=text)
        assert done.returncode == 0, done.stderr


def test_others_are_not_confined(mine, learner):
    """The policy is about the user that it names, whatever else they are."""
    words = ("create", "configmap", "free", "--namespace=default", "--dry-run=server")
    groups = ("--as-group=system:masters", "--as-group=system:authenticated")
    for user in ("anna", f"{learner['USER_NAME']}2"):
        assert mine.kubectl(*words, f"--as={user}", *groups).returncode == 0
