"""Find out whether a JupyterHub serves this learner, and who else is on this machine.

Binder is a JupyterHub, too. Only variables and files are read: no request is sent.

===================  ==============================  ==================================
where                the learner's browser comes by  other users reach 127.0.0.1
===================  ==============================  ==================================
own machine          127.0.0.1                       those that have an account there
Binder, a hub with   the hub's name, below a prefix  nobody: the container is made for
a container each                                     this learner and ends with them
a hub for a machine  the hub's name, below a prefix  everybody who is logged in
===================  ==============================  ==================================
"""

import html
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

#: What Docker and Podman leave in each container, as seen from `/`.
MARKS = (".dockerenv", "run/.containerenv")


@dataclass(frozen=True)
class Hub:
    """How the learner's browser reaches this machine.

    `prefix` is the path of the learner's server, which begins and ends with `/`;
    `container_of_one` says that no other user can reach 127.0.0.1 here.
    """

    prefix: str
    container_of_one: bool

    @classmethod
    def read(
        cls, environment: Mapping[str, str] = os.environ, root: Path = Path("/")
    ) -> Self:
        """Return what a hub tells the servers that it starts."""
        prefix = environment.get("JUPYTERHUB_SERVICE_PREFIX", "")
        if not prefix:
            return cls("/", False)
        contained = "KUBERNETES_SERVICE_HOST" in environment or any(
            (root / mark).exists() for mark in MARKS
        )
        # A hub on this machine starts the servers of all its users here, even if it is
        # in a container. One elsewhere may put several users on a batch node.
        elsewhere = not _is_here(environment.get("JUPYTERHUB_API_URL", ""))
        return cls(f"/{prefix.strip('/')}/", contained and elsewhere)


@dataclass(frozen=True)
class Link:
    """A path on the learner's Jupyter server, shown as a link where possible."""

    path: str

    def __repr__(self) -> str:
        """Return the path."""
        return self.path

    def _repr_html_(self) -> str:
        # Without a host: the page knows the name that the browser used, the kernel not.
        path = html.escape(self.path)
        return f'<a href="{path}" target="_blank">{path}</a>'


def link_to_port(port: int, path: str = "/") -> Link:
    """Return the link by which jupyter-server-proxy leads to a port of 127.0.0.1.

    The link ends with `path`. Whoever follows it must be logged in to Jupyter.
    """
    return Link(f"{Hub.read().prefix}proxy/{port}/{path.removeprefix('/')}")


def _is_here(url: str) -> bool:
    """Say whether the URL leads to this machine; an empty one does."""
    host = urlsplit(url).hostname or "localhost"
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
