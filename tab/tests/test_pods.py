"""The node of the cluster in a tab, under Node: pods, and what controllers do."""

import json
import time

import pytest

from tab.tests.reader import pod, reader, shell
from tab.tests.servers import PATIENCE

pytestmark = [
    pytest.mark.full("a cluster under Node, which runs pods for minutes"),
    pytest.mark.timeout(3600),
]

#: seconds that the cluster has to live: the API server compacts its store after 300
LIFE = 330
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
WORDS = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "words"},
    "data": {"greeting": "good morning"},
}


def field(name: str) -> dict:
    return {"valueFrom": {"fieldRef": {"fieldPath": name}}}


@pytest.fixture(scope="module")
def cluster(browser_server):
    """Return a cluster whose node is Ready; all tests share it."""
    with reader(browser_server) as shared:
        yield shared


def test_the_node_says_what_it_is(cluster):
    node = json.loads(cluster("kubectl get node tab -o json"))
    info = node["status"]["nodeInfo"]
    assert info["kernelVersion"] == "none"
    assert info["osImage"] == "a browser's tab"
    assert "Kubernetes" in cluster("kubectl describe node tab") or info


def test_a_pod_runs(cluster):
    cluster("kubectl run web --image toolbox:1 -- sh -c 'echo hello; sleep infinity'")
    cluster.wait("pod/web")
    assert cluster("kubectl logs web") == "hello\n"
    addresses = cluster("kubectl get pod web -o jsonpath={.status.podIP}")
    assert addresses.startswith("10.244.")
    path = "{.metadata.managedFields[*].manager}"
    managers = cluster(f"kubectl get pod web -o jsonpath={path}")
    assert set(managers.split()) == {"kubectl-run", "kubelet"}


@pytest.mark.parametrize(
    ("script", "code", "text", "errors"),
    [
        ("exec web -- sh -c 'echo out; echo err >&2'", 0, "out\n", "err\n"),
        ("exec web -- sh -c 'exit 3'", 3, "", "exit code 3"),
        ("exec web -- nosuch", 1, "", "executable file not found in $PATH"),
        ("exec nosuch -- true", 1, "", 'pods "nosuch" not found'),
        ("logs nosuch", 1, "", 'pods "nosuch" not found'),
        ("nosuch", 1, "", 'error: unknown command "nosuch" for "kubectl"'),
        ("get pods --nosuch", 1, "", "error: unknown flag: --nosuch"),
        ("get --raw /nosuch", 1, "", "Error from server (NotFound)"),
        ("get pods -f nosuch.yaml", 1, "", 'the path "nosuch.yaml" does not exist'),
        ("config view -o jsonpath={.contexts[0].context.namespace}", 0, "default", ""),
    ],
)
def test_commands_end_as_they_do_elsewhere(cluster, script, code, text, errors):
    answer = cluster.run(f"kubectl {script}")
    assert answer["code"] == code and answer["text"] == text, answer
    assert errors in answer["errors"], answer


def test_exec_reads_its_input(cluster):
    script = "printf 'one\\ntwo\\n' | kubectl exec -i web -- "
    answer = cluster.run(script + "sh -c 'read x; echo got $x; cat; exit 5'")
    assert (answer["code"], answer["text"]) == (5, "got one\ntwo\n"), answer
    answer = cluster.run("printf 'echo one\\nexit 6\\n' | kubectl exec -i web -- sh")
    assert (answer["code"], answer["text"]) == (6, "one\n"), answer


def test_files_are_copied_from_a_pod_and_into_one(cluster):
    """By tar in the container; an error of it ends the command alone."""
    cluster("echo one >one; kubectl cp one web:/tmp/two; kubectl cp web:/tmp/two two")
    assert cluster("kubectl exec web -- cat /tmp/two; cat two") == "one\none\n"
    # kubectl leaves with 0: it has read the end of an archive.
    answer = cluster.run("kubectl cp web:/tmp/nosuch three; cat three")
    assert answer["errors"] == "cat: three: No such file or directory\n", answer
    answer = cluster.run("kubectl cp nosuch:/x y")
    assert (answer["code"], "not found" in answer["errors"]) == (1, True), answer


def test_requests_are_shown(cluster):
    # Names alone: a table has ages, which grow from one command to the next.
    answer = cluster.run("kubectl get pods -o name -v=6")
    assert 'verb="GET"' in answer["errors"] and 'status="200 OK"' in answer["errors"]
    quiet = cluster.run("kubectl get pods -o name")
    assert quiet["errors"] == "" and quiet["text"] == answer["text"]


def test_a_command_pipes_into_another(cluster):
    made = "kubectl create configmap piped --from-literal=a=b --dry-run=client"
    text = cluster(f"{made} -o yaml | kubectl apply -f - | cat")
    assert text == "configmap/piped created\n"
    # An identifier may end with b, too.
    script = "sed 's/a: b$/a: c/' | kubectl replace -f -"
    script = f"kubectl get configmap piped -o yaml | {script}"
    assert cluster(script) == "configmap/piped replaced\n"


def test_commands_that_run_at_once_read_their_own_input(cluster):
    script = (
        "for name in one two three; do kubectl create configmap at-$name "
        "--from-literal=name=$name --dry-run=client -o yaml | kubectl apply -f - & "
        "done; wait; kubectl create -f - --dry-run=client -o name; "
        "kubectl get configmaps -o jsonpath='{.items[*].data.name}'"
    )
    text = cluster(script, input=json.dumps(WORDS))
    assert text.endswith("configmap/words\none three two")


def test_a_command_is_stopped(cluster):
    for script in (
        "kubectl get pods --watch",
        "kubectl logs -f web",
        "kubectl exec web -- sleep 600",
        "kubectl port-forward web 8080:80",
        "kubectl proxy --port 0",
        "kubectl wait --for=condition=Never pod/web --timeout=600s",
        "kubectl get pods -w | cat",
        "while true; do true; done",
    ):
        answer = cluster.run(script, seconds=2)
        assert answer["code"] == 130, (script, answer)
    # What it has begun has ended, too: the port is free.
    assert cluster.run("kubectl proxy --port 8009", seconds=2)["errors"] == ""
    assert cluster.run("kubectl proxy --port 8009", seconds=2)["errors"] == ""


def test_variables_and_volumes_are_the_kubelets(cluster):
    downward = {
        "name": "info",
        "downwardAPI": {
            "items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]
        },
    }
    env = [
        {"name": "NAME", **field("metadata.name")},
        {"name": "ADDRESS", **field("status.podIP")},
        {"name": "NODE", **field("spec.nodeName")},
        {
            "name": "GREETING",
            "valueFrom": {"configMapKeyRef": {"name": "words", "key": "greeting"}},
        },
    ]
    mounts = [
        {"name": "info", "mountPath": "/etc/info"},
        {"name": "words", "mountPath": "/etc/words"},
        {"name": "words", "mountPath": "/etc/one", "subPath": "greeting"},
        {"name": "scratch", "mountPath": "/scratch"},
    ]
    volumes = [
        downward,
        {"name": "words", "configMap": {"name": "words"}},
        {"name": "scratch", "emptyDir": {"medium": "Memory"}},
    ]
    container = {**shell("exec sleep infinity"), "env": env, "volumeMounts": mounts}
    cluster.apply(WORDS, pod("volumes", container, volumes=volumes))
    cluster.wait("pod/volumes")
    script = "kubectl exec volumes -- sh -c "
    told = cluster(script + "'echo $NAME $NODE $GREETING $ADDRESS; hostname'")
    address = cluster("kubectl get pod volumes -o jsonpath={.status.podIP}")
    assert told == f"volumes tab good morning {address}\nvolumes\n"
    assert cluster(script + "'cat /etc/info/labels'") == 'color="red"'
    cluster("kubectl label pod volumes color=blue --overwrite")
    cluster('kubectl patch configmap words --patch \'{"data":{"greeting":"hi"}}\'')
    cluster.until(script + "'cat /etc/info/labels'", 'color="blue"'.__eq__)
    cluster.until(script + "'cat /etc/words/greeting'", "hi".__eq__)
    # A subPath keeps what it had.
    assert cluster(script + "'cat /etc/one'") == "good morning"


def test_a_pod_calls_the_server_with_its_token(cluster):
    """First it is forbidden, and then a Role allows it."""
    ask = (
        f"kubectl exec web -- sh -c 'curl -sS --cacert {ACCOUNT}/ca.crt -o /dev/null "
        f'-w "%{{http_code}}" -H "Authorization: Bearer $(cat {ACCOUNT}/token)" '
        "https://NAME/api/v1/namespaces/default/pods'"
    )
    for name in ("kubernetes", "kubernetes.default.svc", "10.96.0.1"):
        assert cluster(ask.replace("NAME", name)) == "403", name
    cluster("kubectl create role reader --verb list --resource pods")
    cluster(
        "kubectl create rolebinding reader --role reader "
        "--serviceaccount default:default"
    )
    cluster.until(ask.replace("NAME", "kubernetes"), "200".__eq__)
    refused = cluster.run("kubectl exec web -- curl -sS https://kubernetes")
    assert refused["code"] == 60 and "curl: (60)" in refused["errors"]
    # kubectl finds the account, as client-go does in a pod.
    assert "web" in cluster("kubectl exec web -- kubectl get pods")


def test_a_sidecar_is_reached_on_the_pods_own_loopback(cluster):
    proxy = shell("kubectl proxy")
    cluster.apply(pod("ambassador", {}, proxy), pod("alone"))
    cluster.wait("pod/ambassador")
    cluster.wait("pod/alone")
    ask = "kubectl exec {} -c c0 -- curl -s -o /dev/null -w '%{{http_code}}' {}"
    local = "http://127.0.0.1:8001/version"
    answer = cluster.until(
        f"{ask.format('ambassador', local)} || true", lambda text: text != "000"
    )
    assert answer == "200"
    assert cluster.run(ask.format("alone", local))["code"] == 7
    # A forwarded port reaches it from outside of the pod.
    script = (
        "kubectl port-forward ambassador 9001:8001 > /tmp/forward & "
        "until grep -q Forwarding /tmp/forward; do sleep 0.1; done; "
        "curl -s http://localhost:9001/version; kill $!"
    )
    assert "gitVersion" in cluster(script)


def test_jobs_end(cluster):
    cluster("kubectl create job sum --image toolbox:1 -- sh -c 'echo $((1 + 2))'")
    cluster.wait("job/sum", "condition=Complete")
    assert cluster("kubectl logs job/sum") == "3\n"
    cluster(
        "kubectl create cronjob often --image toolbox:1 --schedule '* * * * *' -- true"
    )
    cluster.until("kubectl get jobs -o name", lambda jobs: "job.batch/often-" in jobs)
    cluster("kubectl delete cronjob often")


def test_a_deployment_has_its_pods(cluster):
    cluster("kubectl create deployment app --image toolbox:1 --replicas 2")
    cluster(f"kubectl rollout status deployment app --timeout {PATIENCE}s")
    cluster("kubectl expose deployment app --port 80")
    cluster.until(
        "kubectl get endpointslices -l kubernetes.io/service-name=app "
        "-o jsonpath='{.items[*].endpoints[*].addresses}'",
        lambda text: text.count("10.244.") == 2,
    )
    name = cluster("kubectl get pods -l app=app -o name").split()[0]
    cluster(f"kubectl delete {name} --wait=false --grace-period 1")
    path = "{.items[0].status.readyReplicas}"
    cluster.until(f"kubectl get rs -l app=app -o jsonpath={path}", "2".__eq__)
    cluster("kubectl delete deployment app")
    cluster.until("kubectl get pods -l app=app -o name", "".__eq__)


def test_init_containers_probes_and_restarts(cluster):
    init = {"name": "init", "image": "toolbox:1", **shell("echo ready > /data/file")}
    mount = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    probe = {"exec": {"command": ["test", "-e", "/tmp/alive"]}, "periodSeconds": 1}
    main = {
        **shell("cat /data/file; touch /tmp/alive; sleep 4; rm /tmp/alive; sleep 600"),
        "livenessProbe": probe | {"failureThreshold": 1, "initialDelaySeconds": 2},
        **mount,
    }
    cluster.apply(
        pod(
            "probed",
            main,
            initContainers=[init | mount],
            volumes=[{"name": "data", "emptyDir": {}}],
        )
    )
    path = "{.status.containerStatuses[0].restartCount}"
    cluster.until(
        f"kubectl get pod probed -o jsonpath={path}", lambda count: int(count or 0) > 0
    )
    assert cluster("kubectl logs probed --previous") == "ready\n"
    path = "{.status.containerStatuses[0].lastState.terminated.exitCode}"
    assert cluster(f"kubectl get pod probed -o jsonpath={path}") == "137"
    assert "Liveness probe failed" in cluster("kubectl get events")


def test_a_pod_that_fails_is_started_again_later(cluster):
    cluster.apply(pod("failing", shell("echo before; exit 4")))
    path = "{.status.containerStatuses[0].state.waiting.reason}"
    cluster.until(
        f"kubectl get pod failing -o jsonpath={path}", "CrashLoopBackOff".__eq__
    )
    path = "{.status.containerStatuses[0].lastState.terminated['exitCode','reason']}"
    assert cluster(f'kubectl get pod failing -o jsonpath="{path}"') == "4 Error"


def test_another_image_is_refused_in_words(cluster):
    cluster("kubectl run other --image nginx")
    path = "{.status.containerStatuses[0].state.waiting.reason}"
    cluster.until(
        f"kubectl get pod other -o jsonpath={path}",
        lambda reason: reason in ("ErrImagePull", "ImagePullBackOff"),
    )
    assert "take toolbox:1" in cluster("kubectl describe pod other")


def test_a_pod_ends_in_its_grace(cluster):
    """The first process of a container does not hear, and is killed."""
    hook = {"preStop": {"exec": {"command": ["touch", "/data/stopping"]}}}
    cluster.apply(pod("graceful", {**shell("sleep 600"), "lifecycle": hook}))
    cluster.wait("pod/graceful")
    cluster(f"kubectl delete pod graceful --timeout {PATIENCE}s")
    assert cluster.run("kubectl get pod graceful")["code"] == 1
    # The image's init does.
    began = time.monotonic()
    cluster("kubectl run polite --image toolbox:1 --restart Never")
    cluster.wait("pod/polite")
    cluster(f"kubectl delete pod polite --timeout {PATIENCE}s")
    assert time.monotonic() - began < PATIENCE


def test_attach_reads_and_writes(cluster):
    script = (
        "printf 'one\\ntwo\\n' | kubectl run attached -i --rm --quiet --restart Never "
        "--image toolbox:1 -- sh -c 'while read x; do echo got $x; done'"
    )
    text = cluster(script)
    assert "got two\n" in text
    assert cluster.run("kubectl get pod attached")["code"] == 1


def test_hostile_names_and_logs_are_text(cluster):
    texts = ["<img src=x onerror=alert(1)>", "a\\033[2Jb", "]]>", "' ; reboot", "%s%n"]
    for text in texts:
        assert cluster("kubectl exec -i web -- cat", input=text) == text
    answer = cluster.run("kubectl run '<b>' --image toolbox:1")
    assert answer["code"] == 1 and "<b>" in answer["errors"]


def test_the_node_gets_each_field_that_it_reads(cluster):
    """A real pod has them: the kubelet of this build fills less than that of Linux."""
    script = (
        "id -u; id -g; id -G; whoami 2>&1; touch /tmp/x && echo made; touch /x 2>&1; "
        "cd /data; pwd; touch y && echo kept; echo $WORD; sleep 600"
    )
    container = {
        **shell(script),
        "workingDir": "/data",
        "env": [{"name": "WORD", "value": "word"}],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    who = {"runAsUser": 1000, "runAsGroup": 3000, "fsGroup": 2000}
    volumes = [{"name": "data", "emptyDir": {}}]
    cluster.apply(pod("user", container, securityContext=who, volumes=volumes))
    cluster.wait("pod/user")
    assert cluster("kubectl logs user").splitlines() == [
        "1000",
        "3000",
        "3000 2000",
        "whoami: cannot find name for user ID 1000",
        "made",
        "touch: cannot touch '/x': Permission denied",
        "/data",
        "kept",
        "word",
    ]
    path = "{.status.containerStatuses[0].user.linux}"
    told = json.loads(cluster(f"kubectl get pod user -o jsonpath='{path}'"))
    assert told == {"uid": 1000, "gid": 3000, "supplementalGroups": [3000, 2000]}


def test_the_node_gets_each_field_of_a_pods_place(cluster):
    """Its network, its name and where it looks names up."""
    script = "hostname; cat /etc/hostname /etc/resolv.conf; sleep 600"
    resolver = {
        "nameservers": ["10.96.0.77"],
        "searches": ["example.com"],
        "options": [{"name": "ndots", "value": "2"}],
    }
    own = {"hostname": "named", "dnsPolicy": "None", "dnsConfig": resolver}
    cluster.apply(
        pod("own", shell(script), **own),
        pod("nodes", shell(script), hostNetwork=True),
    )
    cluster.wait("pod/own")
    cluster.wait("pod/nodes")
    assert cluster("kubectl logs own") == (
        "named\nnamed\nsearch example.com\nnameserver 10.96.0.77\noptions ndots:2\n"
    )
    assert cluster("kubectl logs nodes").startswith("tab\ntab\n")
    path = "{.status.podIP}{.status.hostIP}"
    address = "172.30.0.2"
    assert cluster(f"kubectl get pod nodes -o jsonpath={path}") == 2 * address


def test_input_ends_once_and_a_terminal_has_one_stream(cluster):
    """Nobody can attach a second time: the program has ended with its input."""
    reads = {**shell("cat; echo read"), "stdin": True, "stdinOnce": True}
    terminal = {**shell("echo out; echo err >&2"), "tty": True}
    cluster.apply(
        pod("reads", reads, restartPolicy="Never"),
        pod("terminal", terminal, restartPolicy="Never"),
    )
    cluster.wait("pod/reads")
    text = cluster("echo in | kubectl attach -q -i reads")
    assert text == "in\nread\n"
    cluster.wait("pod/terminal", "jsonpath={.status.phase}=Succeeded")
    lines = cluster("cat /var/log/pods/default_terminal_*/c0/0.log").splitlines()
    assert [line.split(maxsplit=1)[1] for line in lines] == [
        "stdout F out",
        "stdout F err",
    ]


def test_a_root_is_read_only_and_no_root_is_refused(cluster):
    root = {"securityContext": {"readOnlyRootFilesystem": True}}
    cluster.apply(pod("read-only", {**shell("touch /x; sleep 600"), **root}))
    cluster.wait("pod/read-only")
    text = "touch: cannot touch '/x': Read-only file system\n"
    cluster.until("kubectl logs read-only", text.__eq__)
    cluster.apply(pod("no-root", securityContext={"runAsNonRoot": True}))
    path = "{.status.containerStatuses[0].state.waiting['reason','message']}"
    told = cluster.until(
        f'kubectl get pod no-root -o jsonpath="{path}"',
        lambda told: "CreateContainerConfigError" in told,
    )
    assert "runAsNonRoot" in told


def test_a_budget_lets_one_pod_go(cluster):
    cluster("kubectl create deployment one --image toolbox:1 --replicas 1")
    cluster("kubectl create pdb one --selector app=one --max-unavailable 1")
    path = "{.status.disruptionsAllowed}"
    cluster.until(f"kubectl get pdb one -o jsonpath={path}", "1".__eq__)
    cluster("kubectl cordon tab")
    cluster(
        "kubectl drain tab --ignore-daemonsets --force --delete-emptydir-data "
        f"--pod-selector app=one --timeout {PATIENCE}s"
    )
    cluster("kubectl uncordon tab; kubectl delete deployment,pdb one")


def test_a_claim_and_its_namespace_go(cluster):
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "room", "namespace": "claims"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Mi"}},
        },
    }
    cluster("kubectl create namespace claims")
    told = cluster.run("kubectl apply -f -", input=json.dumps(claim))["errors"]
    assert "Warning: this tab has no controller for PersistentVolumeClaims" in told
    cluster(f"kubectl delete pvc room -n claims --timeout {PATIENCE}s")
    cluster.apply(claim)
    cluster(f"kubectl delete namespace claims --timeout {PATIENCE}s")


def test_endpoints_are_those_of_a_service(cluster):
    cluster("kubectl run behind --image toolbox:1 --port 80 --expose")
    cluster.wait("pod/behind")
    address = cluster("kubectl get pod behind -o jsonpath={.status.podIP}")
    path = "{.subsets[0].addresses[0].ip}"
    cluster.until(f"kubectl get endpoints behind -o jsonpath={path}", address.__eq__)


@pytest.mark.parametrize("kind", ["ReplicationController", "StatefulSet", "DaemonSet"])
def test_other_controllers_make_pods(cluster, kind):
    labels = {"set": kind.lower()}
    template = pod("made")
    template["metadata"] = {"labels": labels}
    spec = {"template": {key: template[key] for key in ("metadata", "spec")}}
    del spec["template"]["spec"]["terminationGracePeriodSeconds"]
    spec["selector"] = labels if kind[0] == "R" else {"matchLabels": labels}
    if kind == "StatefulSet":
        spec["serviceName"] = "none"
    version = "v1" if kind[0] == "R" else "apps/v1"
    name = {"name": "set"}
    cluster.apply({"apiVersion": version, "kind": kind, "metadata": name, "spec": spec})
    selector = f"-l set={kind.lower()}"
    cluster.until(f"kubectl get pods {selector} -o name", bool)
    cluster(f"kubectl wait --for=condition=Ready pod {selector} --timeout {PATIENCE}s")
    cluster(f"kubectl delete {kind} set")


def test_components_are_healthy(cluster):
    told = cluster("kubectl get componentstatuses")
    assert told.count("Healthy") == 3 and "Unhealthy" not in told, told


def test_what_a_tab_lacks_is_said_with_the_answer(cluster):
    cluster("kubectl create deployment scaled --image toolbox:1 --replicas 0")
    script = "kubectl autoscale deployment scaled --max 3 --cpu 50%"
    told = cluster.run(script)["errors"]
    assert "Warning: this tab has no controller for HorizontalPodAutoscalers" in told
    linux = pod("linux", nodeSelector={"kubernetes.io/os": "linux"})
    told = cluster.run("kubectl apply -f -", input=json.dumps(linux))["errors"]
    assert "Warning: the node of this tab is no Linux" in told


def test_a_difference_is_shown(cluster):
    cluster.apply(WORDS | {"metadata": {"name": "other"}})
    changed = WORDS | {"metadata": {"name": "other"}, "data": {"greeting": "hi"}}
    answer = cluster.run("kubectl diff -f -", input=json.dumps(changed))
    lines = answer["text"].splitlines()
    assert answer["code"] == 1 and answer["errors"] == "", answer
    assert lines[0].startswith("diff -u -N /tmp/LIVE-") and lines[3].startswith("@@")
    assert "-  greeting: good morning" in lines and "+  greeting: hi" in lines
    cluster.apply(changed)
    assert cluster("kubectl diff -f -", input=json.dumps(changed)) == ""


def test_the_shell_has_what_its_interpreter_lacks(cluster):
    script = "false | true | (exit 3); echo ${PIPESTATUS[@]}; true; echo $PIPESTATUS"
    assert cluster(script) == "1 0 3\n0\n"
    script = "set -u; mapfile -t lines < <(seq 3); echo ${#lines[@]} ${lines[1]}"
    assert cluster(script) == "3 2\n"


def test_it_does_not_die(cluster):
    """It runs pods after its first compaction, and kept what was there."""
    count = 0
    while time.monotonic() < cluster.began + LIFE:
        count += 1
        cluster(f"kubectl create configmap life-{count} --from-literal=a=b")
        script = "sleep 5; cat /etc/hostname"
        assert cluster(f"kubectl exec web -- sh -c '{script}'") == "web\n"
    cluster("kubectl run late --image toolbox:1")
    cluster.wait("pod/late")
    assert "web" in cluster("kubectl get pods") and count > 1
