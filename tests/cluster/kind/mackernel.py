"""Hold a lesson's namespace as a kernel does, until its input ends: for a process.

On a Mac: `python -m tests.cluster.kind.mac tests.cluster.kind.mackernel` with the
path of a kubeconfig and the name of a lesson.
"""

import os
import sys
from pathlib import Path

from cluster.backend import Backend
from helpers.command import use_backend, use_kubeconfig
from helpers.connection import Cluster


class Kind(Backend):
    """A cluster that somebody else has started."""

    name = "kind"


if __name__ == "__main__":
    kubeconfig = Path(sys.argv[1])
    use_backend(Kind())
    use_kubeconfig(kubeconfig)
    namespace = Cluster.read(Kind.name, kubeconfig).create_namespace(sys.argv[2])
    print(namespace, os.environ["KUBECONFIG"], sep="\n", flush=True)
    sys.stdin.read()
