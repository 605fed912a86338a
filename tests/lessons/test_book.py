"""The page of the book is true: its manifests run, its commands say what is there."""

import json
import re

import pytest

from cluster.local.registry import BOOK
from cluster.tests.running import apply
from helpers import exec_in_pod, kubectl, wait_for, wait_for_log
from helpers.api.pods import Completed
from helpers.course import lessons
from helpers.errors import NotReady
from tests.notebooks import FILES, ROOT, load
from tools import book

PAGE = book.PAGE.read_text("utf-8")
SLEEP = ["sleep", "9999999"]
ENTRIES = [
    (f"{path.name} {cell['id']}", entry)
    for path in FILES
    for cell in load(path)["cells"]
    for entry in cell["metadata"].get("book", ())
]


def pod(name: str, *containers: dict, **spec) -> dict:
    about = {"name": name, "labels": {"foo": "bar"}}
    spec |= {"containers": [*containers], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec}


def field(path: str) -> dict:
    return {"fieldRef": {"fieldPath": path}}


LIMITED = {"limits": {"cpu": "100m", "memory": "128Mi"}}
MAIN = {"name": "main", "image": "busybox", "command": SLEEP, "resources": LIMITED}
CURL = {"name": "main", "image": "tutum/curl", "command": SLEEP}
ENV = [{"name": "POD_NAME", "valueFrom": field("metadata.name")}]
MOUNT = [{"name": "downward", "mountPath": "/etc/downward"}]
ITEMS = [{"path": "labels", **field("metadata.labels")}]
BATCH = {"name": "main", "image": "luksa/batch-job"}
JOB = {"restartPolicy": "OnFailure", "containers": [BATCH]}
#: of the form of the five of the chapter, with these names of images and commands
MANIFESTS = [
    pod("downward", MAIN | {"env": ENV}),
    pod(
        "downward-volume",
        MAIN | {"volumeMounts": MOUNT},
        volumes=[{"name": "downward", "downwardAPI": {"items": ITEMS}}],
    ),
    pod("curl", CURL),
    pod(
        "curl-with-ambassador",
        CURL,
        {"name": "ambassador", "image": "luksa/kubectl-proxy:1.6.2"},
    ),
    {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "my-job"},
        "spec": {"template": {"spec": JOB}},
    },
]


@pytest.fixture(scope="module")
def applied(cluster, namespace):
    """Apply all five, as they are, on the cluster whose node has these names."""
    if cluster.backend != "local":
        pytest.skip("on this backend, images have to be pulled")
    apply(MANIFESTS)
    names = [f"pod/{one['metadata']['name']}" for one in MANIFESTS[:-1]]
    kubectl("wait", "--for=condition=Ready", *names, "--timeout=120s", timeout=130)


def in_curl(line: str) -> Completed:
    return exec_in_pod("curl", "bash", "-c", line)


def said(command: str) -> str:
    """Return the message that the page has for a command."""
    [entry] = [entry for _, entry in ENTRIES if entry["command"] == command]
    return entry["says"]


def test_the_pods_of_the_book_s_manifests_run(applied):
    """With the four names; the node knows no others that look like them."""
    assert exec_in_pod("downward", "printenv", "POD_NAME").stdout == "downward\n"
    labels = exec_in_pod("downward-volume", "cat", "/etc/downward/labels").stdout
    assert labels == 'foo="bar"'
    assert in_curl("curl --version").stdout.startswith("curl ")
    used = kubectl("get pods -o jsonpath={..image}").stdout
    assert {"busybox", "tutum/curl", "luksa/kubectl-proxy:1.6.2"} <= {*used.split()}
    apply(pod("other", MAIN | {"image": "busybox:1.36"}))
    with pytest.raises(NotReady, match="Image"):
        wait_for("condition=Ready", "pod/other")


def test_the_ambassador_proxies_with_no_command_of_its_own(applied):
    """The root is refused today, as the book's command is by the API server."""
    ask = ["curl", "-sS", "localhost:8001/api"]
    answer = exec_in_pod("curl-with-ambassador", *ask, container="main")
    assert json.loads(answer.stdout)["kind"] == "APIVersions"


def test_the_job_begins_as_the_book_s_does(applied):
    wait_for_log("job/my-job", "Batch job starting")


@pytest.mark.full("two minutes of the book's Job")
def test_the_job_ends_as_the_book_s_does(applied):
    wait_for("condition=Complete", "job/my-job", timeout=240)
    assert "Batch job finished" in kubectl("logs job/my-job").stdout


@pytest.mark.parametrize(
    "command",
    [
        "kubectl exec downward env",
        "kubectl exec downward ls -lL /etc/downward",
        "kubectl exec -it curl bash",
        "kubectl exec -it curl-with-ambassador -c main bash",
        "kubectl get endpoints",
        "curl https://kubernetes",
        "curl https://kubernetes -k",
        'curl -H "Authorization: Bearer $TOKEN" https://kubernetes',
        'curl -H "Authorization: Bearer $TOKEN" '
        "https://kubernetes/api/v1/namespaces/$NS/pods",
    ],
)
def test_a_command_of_the_book_says_what_the_page_says(applied, namespace, command):
    """In a namespace that is not `default`, where only the short name fails."""
    words = said(command).replace(":default:default", f":{namespace}:default")
    if command.startswith("kubectl "):
        answer = kubectl(command.removeprefix("kubectl "), check=False)
    else:
        files = "cd /var/run/secrets/kubernetes.io/serviceaccount; TOKEN=$(cat token); "
        files += "NS=$(cat namespace); export CURL_CA_BUNDLE=$PWD/ca.crt; "
        whole = command == "curl https://kubernetes"
        line = (
            command
            if whole
            else command.replace("//kubernetes", "//kubernetes.default")
        )
        answer = in_curl(files + line)
    shown = (answer.stdout + answer.stderr).replace('\\"', '"')
    assert words in shown


def test_the_words_are_known_and_each_command_stands_once_in_the_page():
    commands = [entry["command"] for _, entry in ENTRIES]
    assert len({*commands}) == len(commands) > 30
    for where, entry in ENTRIES:
        assert entry.keys() <= {"command", "today", "says"}, where
        assert entry["today"] in book.TODAY, where
        assert f"| {book._code(entry['command'])} |" in PAGE, where


def test_the_page_has_the_order_of_the_book_and_says_its_edition():
    sections = re.findall(r"^## Section ([\d.]+): ", PAGE, re.MULTILINE)
    assert sections == sorted({one.book for one in lessons() if one.book in sections})
    assert "first edition (2017)" in PAGE


@pytest.mark.parametrize(
    "symptom",
    [
        "Could not resolve host: kubernetes",
        "exec [POD]",
        "ErrImagePull",
        "Unauthorized",
        "system:anonymous",
    ],
)
def test_a_symptom_leads_to_its_lesson_in_both_languages(symptom):
    for folder in ("notebooks", "notebooks/ko"):
        rows = (ROOT / folder / "book.md").read_text("utf-8").splitlines()
        found = [row for row in rows if row.startswith("|") and symptom in row]
        assert found and all(".ipynb)" in row for row in found)


def test_the_box_names_the_images_that_the_node_has():
    [box] = [
        "".join(cell["source"])
        for path in FILES
        for cell in load(path)["cells"]
        if cell["id"] == "images-then"
    ]
    for image in BOOK:
        name = image.removeprefix("docker.io/").removeprefix("library/")
        assert f"`{name.removesuffix(':latest')}`" in box
