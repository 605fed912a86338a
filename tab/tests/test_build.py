"""The API server for a browser: how it is built, and a start of it under Node."""

import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from cluster import errors, versions
from cluster.programs import golang
from cluster.statedir import hold
from cluster.tests.progress import Notes
from cluster.tests.waiting import until
from tab import build, memory
from tab.tests.conftest import EDITS
from tab.tests.servers import PATIENCE, tab
from tests.notebooks import ROOT

CONFIGMAP = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "colors"},
    "data": {"sky": "blue"},
}


#: a Go that notes its calls; it compiles by a command, and makes a text of it
GO = """\
#!/bin/sh
echo "$*" >>"$CALLS"
case $1 in
env) echo '{"GOVERSION": "go1.99.0", "GOHOSTOS": "linux", "GOHOSTARCH": "amd64",' \
    "\\"GOMODCACHE\\": \\"$SOURCES/modules\\"}" ;;
list) echo '{}' ;;
mod) cp -r "$SOURCES/vendor" . ;;
build)
    mkdir -p "$GOCACHE"
    $COMPILES || exit 1
    for word; do
        case $word in -o=*) printf "$PROGRAM" >"${word#-o=}" ;; esac
    done ;;
esac
"""
#: a WebAssembly program that exports a memory of a page, which nothing limits
PROGRAM = rb"\0asm\1\0\0\0\5\3\1\0\1\7\5\1\1m\2\0"
#: what a build calls, in order, after `go env`
BUILD = ["list", "mod", "list", "build", "vet"]


@pytest.fixture
def sources(places):
    return places[0]


@pytest.fixture
def called(places, monkeypatch):
    """Return what tells the calls of a Go that is a script; the cache is empty."""
    sources, library, _ = places
    root, calls = library.parent, sources / "calls"
    texts = {"bin/go": GO, "bin/node": "", "lib/wasm/wasm_exec.js": "// Go's\n"}
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
        (root / name).chmod(0o755)
    settings = {
        "PATH": f"{root}/bin:/usr/bin:/bin",
        "LAB_CACHE_DIR": sources / "cache",
        "CALLS": calls,
        "SOURCES": sources,
        "COMPILES": "true",
        "PROGRAM": PROGRAM.decode(),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, str(value))
    for name in ("TAB", "LAB_KEEP_BUILD_CACHE"):
        monkeypatch.delenv(name, raising=False)

    def called() -> list[str]:
        words = [line.split()[0] for line in calls.read_text().splitlines()]
        calls.unlink()
        return [word for word in words if word != "env"]

    return called


def left(sources) -> list[str]:
    """Return what is in the cache, but not the lock and the log of builds."""
    cache = sources / "cache"
    found = [*cache.glob("tab/*"), *cache.glob("build/*")]
    return sorted({path.name for path in found} - {"lock", "log"})


def test_it_is_built_once_and_the_one_before_goes(called, sources):
    cache = sources / "cache"
    for name in ("tab/v1.0.0-js-0", "bin/v1.0.0"):
        (cache / name).mkdir(parents=True)
    made = build.ensure()
    assert made == build.find() and left(sources) == [made.name]
    assert called() == BUILD
    files = {file.name: file.read_bytes() for file in made.iterdir()}
    assert files.keys() == {build.PROGRAM, build.PACKED, build.RUNTIME}
    assert gzip.decompress(files[build.PACKED]) == files[build.PROGRAM]
    assert [path.name for path in (cache / "bin").iterdir()] == ["v1.0.0"]
    assert build.ensure() == made and called() == []


def test_its_memory_has_an_end(called):
    """Node gives it as many pages as it may have, and no more."""
    script = f"""
    const bytes = require("fs").readFileSync("{build.ensure()}/{build.PROGRAM}");
    const {{ m }} = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
    m.grow({memory.CLUSTER - 1});
    try {{ m.grow(1); }} catch (error) {{ console.log(error.name); }}
    """
    node = shutil.which("node", path=os.defpath)
    told = subprocess.run([node, "-e", script], capture_output=True, text=True)
    assert told.stdout == "RangeError\n", told


def test_a_program_without_a_memory_ends_it(called, monkeypatch):
    monkeypatch.setenv("PROGRAM", "a program")
    with pytest.raises(errors.LabError, match="no memory that could be limited"):
        build.ensure()
    assert build.find() is None


def test_an_interrupt_leaves_what_is_compiled_and_nothing_half(called, sources):
    command = [sys.executable, "-m", "tab.build"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"COMPILES": "sleep 600"},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        until(lambda: (sources / "cache/build/compiled").exists(), PATIENCE)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(PATIENCE) != 0
    assert left(sources) == ["compiled"] and build.find() is None
    assert called() == BUILD[:4]
    # The next goes on from there.
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and str(build.find()) in done.stderr
    steps = re.findall(r"s\] (\w+)", done.stderr)
    steps = [*dict.fromkeys(steps)]
    assert steps == ["fetching", "building", "checking", "compressing", "kube"]


def test_without_room_nothing_begins(called, sources, monkeypatch):
    monkeypatch.setattr(build, "disk_available", lambda _: 4.2e9)
    with pytest.raises(errors.LabError) as caught:
        build.ensure()
    assert "5 GB" in caught.value.message and "4.2 GB" in caught.value.message
    assert "TAB=no" in caught.value.hint
    assert called() == left(sources) == []
    # Where most of it has been compiled, as much is not needed.
    (sources / "cache" / "build" / "compiled").mkdir()
    assert build.ensure() == build.find()


def test_one_process_builds_it_and_others_wait(called, sources, monkeypatch):
    view = Notes()
    monkeypatch.setattr(build, "for_here", lambda: view)
    (sources / "cache" / "build").mkdir(mode=0o700, parents=True)
    with ThreadPoolExecutor() as pool:
        with hold(sources / "cache" / "build" / "lock", view.shown.clear):
            waits = pool.submit(build.ensure)
            until(lambda: "another process gets the programs; waiting" in view.shown)
            entry = build._entry()
            entry.mkdir(parents=True)
        assert waits.result() == entry
    assert called() == []


def test_an_edit_that_no_longer_applies_ends_it(called, sources):
    name = next(iter(EDITS))
    (sources / "vendor" / name).write_text("package other")
    with pytest.raises(errors.LabError, match=rf"not apply:\n  {name}: it has"):
        build.ensure()
    assert called() == BUILD[:2] and left(sources) == []


@pytest.mark.parametrize("reason", ["TAB=no", "no Go here", "no Node here"])
def test_without_it_there_is_one_line(called, sources, monkeypatch, capsys, reason):
    if reason == "TAB=no":
        monkeypatch.setenv("TAB", "no")
    monkeypatch.setattr(golang, "_USUAL", "/nonexistent")
    (program,) = re.findall("no (.*) here", reason.lower()) or ["other"]
    (sources.parent / "golang" / "bin" / program).unlink(missing_ok=True)
    # No other Node, such as this machine's.
    monkeypatch.setenv("PATH", str(sources.parent / "golang" / "bin"))
    assert build.ensure() is None
    said = capsys.readouterr().err
    assert said == f"Without an API server for the browser: {reason}.\n"


def locked(folder) -> dict[str, str]:
    """Return the version of each module that a lock names."""
    text = (ROOT / folder / "go.mod").read_text()
    return dict(re.findall(r"^\t?(?:require )?(\S+) (v\S+)", text, re.MULTILINE))


def test_the_lock_is_of_the_versions_that_the_cluster_has():
    theirs = locked("cluster/programs/locks/kubernetes")
    shared = locked("tab/go").items() - {("k8s.io/kubectl", "v0.0.0")}
    differ = {name for name, version in shared if theirs.get(name, version) != version}
    assert len(shared) > 100 and differ == set()


def named(name: str) -> str:
    """Return a ConfigMap with another name, as JSON."""
    return json.dumps(CONFIGMAP | {"metadata": {"name": name}})


MAPS = "/api/v1/namespaces/default/configmaps"
#: scripts of one session, in order, and what comes of them
SCRIPTS = [
    ("curl -s --cacert ca.crt https://kubernetes/apis", {"code": 0, "status": 403}),
    ("curl -s --cacert ca.crt https://kubernetes/apis | jq .code", {"text": "403\n"}),
    ("curl -sk https://kubernetes/apis | cat; echo", {"code": 0, "status": 403}),
    (
        'curl -sk -o /dev/null -w "%{http_code}\\n" https://kubernetes/version',
        {"text": "200\n", "status": 200},
    ),
    (
        "curl -sk https://kubernetes/apis | head -2",
        {"text": '{\n  "kind": "Status",\n'},
    ),
    ("curl -s https://kubernetes/version", {"code": 60, "status": 0}),
    ("curl -s --cacert nosuch.crt https://kubernetes/version", {"code": 77}),
    ("curl -sk --cert jane.crt --key jane.key https://kubernetes/", {"code": 58}),
    ("curl -sk --cert admin.crt https://kubernetes/version", {"code": 58}),
    ("curl -sk -d '' https://kubernetes/version", {"status": 403}),
    ("echo ~ ca.*", {"text": "/root ca.crt\n"}),
    (
        "curl -s --cacert ca.crt --cert admin.crt --key admin.key -d @- "
        f"-H 'Content-Type: application/json' https://kubernetes{MAPS} "
        f"<<<'{named('curled')}' | jq -r '.metadata.managedFields[0].manager'",
        {"text": "curl\n", "status": 201},
    ),
    ("ME='Authorization: Bearer nonsense'; cd /tmp", {"code": 0, "status": 0}),
    ('curl -sk -H @- https://kubernetes/version <<<"$ME"', {"status": 401}),
    ("pwd; # a comment\n\necho $HOME", {"text": "/tmp\n/root\n"}),
    ("curl -sk https://kubernetes/apis https://kubernetes/version", {"status": 200}),
    ('echo "a=x\\ny"', {"text": "a=x\\ny\n"}),
    (
        f"kubectl create --raw {MAPS} -f - <<<'{named('raw')}' | jq .code",
        {"code": 0, "text": "null\n"},
    ),
    (
        f"kubectl create -f - <<<'{named('later')}'",
        {"text": "configmap/later created\n"},
    ),
    (
        'kubectl create configmap lines --from-literal="a=x\\ny" -o json | jq .data',
        {"text": '{\n  "a": "x\\\\ny"\n}\n'},
    ),
    ("kubectl get configmaps {raw,later} -o name | wc -l", {"text": "2\n"}),
    ("kubectl get configmap nosuch", {"code": 1}),
    ("echo $?", {"text": "1\n", "status": 0}),
]


@pytest.mark.full("an API server under Node")
def test_it_starts(browser_server):
    """Each caller gets the answer to its credential."""
    with tab(browser_server) as server:
        version = server(method="GET", path="/version", trust="cluster")
        assert json.loads(version["body"])["gitVersion"] == versions.KUBERNETES
        nobody = server(method="GET", path="/apis", trust="cluster")
        assert nobody["status"] == 403 and "system:anonymous" in nobody["body"]
        token = [["Authorization", "Bearer nonsense"]]
        wrong = server(method="GET", path="/apis", trust="cluster", headers=token)
        assert wrong["status"] == 401
        assert "certificate" in server(method="GET", path="/version")["error"]
        who = server(script="kubectl auth whoami -o jsonpath={.status.userInfo.groups}")
        assert who["code"] == 0 and "kubeadm:cluster-admins" in who["text"], who
        missing = server(script="kubectl get pods nonsense")
        assert missing["code"] == 1 and "NotFound" in missing["errors"]
        made = server(script="kubectl create -f -", input=json.dumps(CONFIGMAP))
        assert made["text"] == "configmap/colors created\n"
        assert_permission_is_granted(server)
        for script, end in SCRIPTS:
            answer = server(script=script, session="curl")
            assert answer | end == answer, (script, answer)


def assert_permission_is_granted(server) -> None:
    """Two sessions have variables of their own."""

    def run(script: str, session: str = "one") -> dict:
        return server(script=script, session=session)

    run("TOKEN=$(kubectl create token default)")
    ask = 'curl -s --cacert ca.crt -H "Authorization: Bearer $TOKEN" '
    ask += "https://kubernetes/api/v1/namespaces/default/configmaps"
    assert run(ask)["status"] == 403
    assert "TOKEN: unbound variable" in run(ask, "two")["errors"]
    grant = "kubectl create rolebinding see --clusterrole view"
    run(f"{grant} --serviceaccount default:default")
    # The authorizer watches the bindings.
    until(lambda: run(ask)["status"] == 200, PATIENCE)
