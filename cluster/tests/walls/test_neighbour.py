"""A hostile neighbour: another user of the machine, with programs of their own."""

import encodings.idna  # noqa: F401  the neighbour may not read where Python is
import http.client
import os
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from cluster import paths
from cluster.machine import identity, pki

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can become another user"
)

NEIGHBOUR = 65533
#: paths that the API server answers to anybody, by default in Kubernetes
PUBLIC = {"/version", "/healthz", "/livez", "/readyz"}
PATHS = """/ /api /apis /api/v1/secrets /api/v1/namespaces /metrics /logs/ /openapi/v2
/openapi/v3 /debug/pprof/ /configz /statusz /.well-known/openid-configuration
/api/v1/nodes/lab-control-plane/proxy/pods""".split()
READ = os.O_RDONLY | os.O_NONBLOCK
#: a token of Kubernetes, a key, a password in an address
SECRET = re.compile(rb"eyJ[\w-]{20,}|PRIVATE KEY|://[^/\s]+:[^/\s]+@")


@contextmanager
def as_neighbour() -> Iterator[None]:
    """Be the other user for a while: to the kernel, the saved ids are no rights."""
    groups = os.getgroups()
    os.setgroups([])
    os.setresgid(NEIGHBOUR, NEIGHBOUR, 0)
    os.setresuid(NEIGHBOUR, NEIGHBOUR, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
        os.setgroups(groups)


def ask(port: int, path: str, tls: ssl.SSLContext) -> int:
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=tls, timeout=30)
    with closing(connection):
        connection.request("GET", path)
        return connection.getresponse().status


def trusting_anybody() -> ssl.SSLContext:
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    return tls


def test_the_api_server_tells_what_it_tells_anybody(lab):
    port, tls = lab.port, trusting_anybody()
    with as_neighbour():
        answers = {path: ask(port, path, tls) for path in (*PUBLIC, *PATHS)}
    assert {path for path, code in answers.items() if code == 200} == PUBLIC
    assert {*answers.values()} <= {200, 401, 403}


def test_a_certificate_of_another_cluster_is_nobodys(lab, tmp_path):
    """Each cluster has an authority of its own."""
    pki.ensure(tmp_path)
    tls = trusting_anybody()
    tls.load_cert_chain(tmp_path / "admin.crt", tmp_path / "admin.key")
    assert ask(lab.port, "/api/v1/namespaces", tls) == 401


def test_a_site_in_the_browser_gets_no_leave(lab):
    """Without it, a browser keeps the answer from the site that asked."""
    tls = trusting_anybody()
    connection = http.client.HTTPSConnection("127.0.0.1", lab.port, context=tls)
    for method in ("GET", "OPTIONS"):
        with closing(connection):
            connection.request(method, "/version", headers={"Origin": "https://a.site"})
            headers = connection.getresponse().headers
        assert [name for name in headers if name.lower().startswith("access-")] == []


def test_one_port_listens(lab):
    mine = cluster_processes(lab)
    listening = {
        found.laddr
        for found in psutil.net_connections("inet")
        if found.status == psutil.CONN_LISTEN and found.pid in mine
    }
    assert listening == {("127.0.0.1", lab.port)}


def test_no_file_can_be_read_and_none_of_the_cache_be_written(lab):
    state = [lab.state, *lab.state.rglob("*")]
    assert len(state) > 50
    # An engine of other tests works in the same cache: what goes meanwhile is left out.
    cache = [
        Path(folder, name)
        for folder, folders, files in os.walk(paths.cache_dir())
        for name in (".", *folders, *files)
    ]
    sockets = [path for path in state if path.is_socket()]
    assert sockets
    with as_neighbour():
        found = [path for path in state if allowed(os.open, path, READ)]
        found += [path for path in (*state, *cache) if os.access(path, os.W_OK)]
        found += [path for path in sockets if can_connect(path)]
    assert found == []


def can_connect(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return allowed(client.connect, str(path))


def cluster_processes(lab) -> set[int]:
    outer = psutil.Process(identity.pid_of(lab.state, "outer"))
    return {outer.pid, *(child.pid for child in outer.children(recursive=True))}


def test_no_process_can_be_looked_into(lab):
    """Command lines can be seen by everybody on Linux; no secret is in one."""
    pids = cluster_processes(lab)
    assert len(pids) > 10
    looks = (
        *((name, read) for name in ("environ", "mem", "maps", "io", "syscall")),
        *((name, os.readlink) for name in ("cwd", "root", "exe", "ns/net")),
        *((name, os.listdir) for name in ("fd", "map_files")),
    )
    with as_neighbour():
        found = [
            f"{name} of {pid}"
            for pid in pids
            for name, look in looks
            if allowed(look, f"/proc/{pid}/{name}")
        ]
        found += [f"a signal to {pid}" for pid in pids if allowed(os.kill, pid, 0)]
        for pid in pids:
            with suppress(FileNotFoundError, ProcessLookupError):  # just ended
                if SECRET.search(read(f"/proc/{pid}/cmdline")):
                    found.append(f"a secret of {pid}")
    assert found == []


def allowed(function: Callable, *arguments) -> bool:
    with suppress(OSError):
        function(*arguments)
        return True
    return False


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(1 << 20)
