"""A stand-in for the command line of Docker or Podman: containers that do not run.

It is a program of its own: kind, which is genuine, and our helpers call it as `docker`
or `podman`. It keeps containers in a file, answers what kind asks a node, and gives
out the kubeconfig of a genuine API server as the node's. Standard library alone.
"""

import fcntl
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import time
from contextlib import contextmanager
from pathlib import Path

CLUSTER, ROLE = "io.x-k8s.kind.cluster", "io.x-k8s.kind.role"
CONTAINERD = 'version = 3\n[plugins."io.containerd.cri.v1.images"]\nsnapshotter = "o"\n'
INFO = {
    "Name": socket.gethostname(),
    "CgroupDriver": "systemd",
    "CgroupVersion": "2",
    "MemoryLimit": True,
    "PidsLimit": True,
    "CPUShares": True,
    "SecurityOptions": ["name=seccomp,profile=builtin"],
}


class Engine:
    """What the directory holds: `state.json`, `calls`, and orders in `faults.json`."""

    def __init__(self, directory: Path, program: str) -> None:
        self.directory, self.program = directory, program

    @contextmanager
    def state(self):
        """Give the state to the block, and keep what it makes of it."""
        with open(self.directory / "state.json", "a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            state = json.loads(file.read() or '{"nodes": {}, "images": {}}')
            yield state
            file.truncate(0)
            file.write(json.dumps(state))

    def fault(self, name: str) -> str:
        path = self.directory / "faults.json"
        return json.loads(path.read_text()).get(name, "") if path.exists() else ""

    def call(self, words: list[str]) -> int:
        with open(self.directory / "calls", "a") as calls:
            calls.write(json.dumps([self.program, *words]) + "\n")
        if words in (["-v"], ["--version"]):
            print(
                {"docker": "Docker"}.get(self.program, self.program), "version 28.2.2"
            )
            return 0
        if words[:2] == ["context", "inspect"]:
            print(self.fault("endpoint") or "unix:///var/run/docker.sock")
            return 0
        if self.fault("down"):
            print(self.fault("down"), file=sys.stderr)
            return 1
        return getattr(self, f"do_{words[0]}")(words[1:]) or 0

    def do_version(self, words):
        print("28.2.2")

    def do_info(self, words):
        form = words[-1] if words else ""
        told = json.loads(self.fault("info") or "{}")
        if form == "{{json .}}":
            print(json.dumps(INFO | told))
        elif form == "{{.Version.Version}}":
            print("5.4.0")
        elif form == "json":
            print(json.dumps({"host": PODMAN["host"] | told}))
        else:
            print("overlay2")

    def do_volume(self, words):
        print("0" * 64)

    def do_network(self, words):
        print("kind" if "{{.Name}}" in words[-1] else "0123456789ab")

    def do_ps(self, words):
        form = words[-1].removeprefix("--format=")
        wanted = next((w for w in words if "label=" in w), "").partition("label=")[2]
        with self.state() as state:
            for name, node in state["nodes"].items():
                if wanted in (CLUSTER, f"{CLUSTER}={node['cluster']}"):
                    cluster = node["cluster"]
                    shown = {"{{.Names}}": name, "{{.State}}": node["state"]}
                    print(shown.get(form, cluster))

    def do_image(self, words):
        with self.state() as state:
            return int(words[-1] not in state["images"])

    def do_pull(self, words):
        if self.fault("pull"):
            print(self.fault("pull"), file=sys.stderr)
            return 1
        with self.state() as state:
            state["images"][words[-1]] = True

    def do_run(self, words):
        if "--name" not in words:
            # The container in which a Mac makes the image: what it would write.
            with open(self.fault("archive"), "rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            return
        name = words[words.index("--name") + 1]
        labels = dict(w.split("=", 1) for w in words if w.startswith("io.x-k8s.kind."))
        published = next(w for w in words if w.startswith("--publish="))
        _, host, port, _ = re.split(r"[=:]", published)
        with self.state() as state:
            state["nodes"][name] = {
                "state": "running",
                "cluster": labels[CLUSTER],
                "role": labels[ROLE],
                "host": host,
                # Where the genuine API server listens, if a test has one.
                "port": self.fault("port") or port,
                "image": words[-1],
                "images": {},
            }
        print("0" * 64)

    def do_start(self, words):
        return self._set(words[-1], "running")

    def do_stop(self, words):
        return self._set(words[-1], "exited")

    def _set(self, name, to):
        with self.state() as state:
            if name not in state["nodes"]:
                print(f"Error: No such container: {name}", file=sys.stderr)
                return 1
            state["nodes"][name]["state"] = to
        print(name)

    def do_rm(self, words):
        with self.state() as state:
            for name in words:
                state["nodes"].pop(name, None)

    def do_logs(self, words):
        print("Welcome\n[  OK  ] Reached target multi-user.target - Multi-User System.")

    def do_port(self, words):
        with self.state() as state:
            node = state["nodes"][words[0]]
            print(f"{node['host']}:{node['port']}")

    def do_inspect(self, words):
        if "--type=image" in words:
            return self.do_image(words)
        with self.state() as state:
            node = state["nodes"].get(words[-1])
            if node is None:
                print(f"Error: No such object: {words[-1]}", file=sys.stderr)
                return 1
        form = " ".join(words[:-1])
        if ROLE in form:
            print(node["role"])
        elif "NetworkSettings.Networks" in form:
            print("172.18.0.2,")
        elif "json .NetworkSettings.Ports" in form:
            where = {"HostIp": node["host"], "HostPort": node["port"]}
            print(json.dumps({"6443/tcp": [where]}))
        elif "NetworkSettings.Ports" in form:
            print(f"{node['host']}\t{node['port']}")
        else:
            print()

    def do_exec(self, words):
        while words[0].startswith("-"):
            words = words[2:] if words[0] == "-e" else words[1:]
        name, *command = words
        with self.state() as state:
            if state["nodes"].get(name, {}).get("state") != "running":
                print(f"container {name} is not running", file=sys.stderr)
                return 1
        return self._in_node(name, command)

    def _in_node(self, name, command):
        match command:
            case ["cat", "/kind/version"]:
                print("v1.37.0")
            case ["cat", "/etc/kubernetes/admin.conf"]:
                print((self.directory / "admin.conf").read_text())
            case ["cat", *_] | ["mkdir", *_]:
                pass
            case ["cp", "/dev/stdin", path]:
                kept = self.directory / Path(path).name
                kept.write_bytes(sys.stdin.buffer.read())
            case ["kubeadm", *_]:
                if self.fault("hang"):
                    (self.directory / "hanging").touch()
                    while self.fault("hang"):
                        time.sleep(0.05)
                if self.fault("kubeadm"):
                    print(self.fault("kubeadm"), file=sys.stderr)
                    return 1
            case ["kubectl", *_]:
                if "-" in command:
                    sys.stdin.read()
            case ["containerd", "config", "dump"]:
                print(CONTAINERD)
            case ["ctr", _, "images", *words]:
                return self._images(name, words)
            case ["crictl", "images", *_]:
                with self.state() as state:
                    kept = state["nodes"][name]["images"]
                images = [
                    {"id": id_, "repoTags": [tag], "size": "1000"}
                    for tag, id_ in kept.items()
                ]
                print(json.dumps({"images": images}))
            case ["crictl", "ps", *words]:
                known = words[-1] == "--name=^etcd$"
                print("new\nold" if known else "")
            case ["sh", "-c", script, "sh", "/var/log/kubernetes/audit"]:
                # Run here, where the test has its files.
                path = str(self.directory / "audit")
                return subprocess.run(["sh", "-c", script, "sh", path]).returncode
            case ["sh", "-c", _, "sh", lines, container]:
                print(f"{lines} lines of {container}")
            case ["journalctl", unit, *_]:
                print(f"the log of {unit}")
            case _:
                print(f"{command[0]}: not in this node", file=sys.stderr)
                return 127

    def _images(self, name, words):
        if words[0] == "import":
            with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as tar:
                found = {
                    member.name: json.load(tar.extractfile(member))
                    for member in tar
                    if member.name.endswith(".json")
                }
            if self.fault("import"):
                print(f"ctr: {self.fault('import')}", file=sys.stderr)
                return 1
        with self.state() as state:
            kept = state["nodes"][name]["images"]
            platforms = state.setdefault("platforms", {})
            match words:
                case ["import", *_]:
                    for entry in found["manifest.json"]:
                        for tag in entry["RepoTags"]:
                            id_ = f"sha256:{entry['Config'].removesuffix('.json')}"
                            kept[tag] = id_
                            machine = found[entry["Config"]]["architecture"]
                            platforms[id_] = f"linux/{machine}"
                case ["list"]:
                    print("REF TYPE DIGEST SIZE PLATFORMS LABELS")
                    for tag, id_ in kept.items():
                        print(tag, "type", id_, "1 KiB", platforms.get(id_), "-")
                case ["tag", "--force", old, new]:
                    kept[new] = kept[old]
                case ["remove", old]:
                    del kept[old]


#: what kind asks of `podman info`
PODMAN = {
    "host": {
        "hostname": socket.gethostname(),
        "cgroupVersion": "v2",
        "cgroupControllers": ["cpu", "memory", "pids"],
        "security": {"rootless": False},
    }
}


def main() -> int:
    program = Path(sys.argv[0]).name
    return Engine(Path(os.environ["FAKE_ENGINE"]), program).call(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
