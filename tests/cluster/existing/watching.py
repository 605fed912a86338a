"""Watch which images pods have while something else runs; by kubectl's own watch."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from cluster.programs import find_kubectl

_SPEC = "{.spec['initContainers','containers','ephemeralContainers'][*].image}"
#: a line for each event: the namespace, and after a blank the images of a pod
_POD = f'jsonpath={{.metadata.namespace}} {_SPEC}{{"\\n"}}'
_NAME = 'jsonpath={.metadata.name}{"\\n"}'


@contextlib.contextmanager
def images_of_pods(
    kubeconfig: Path, selector: str, directory: Path
) -> Iterator[set[str]]:
    """Yield a set; after the block it holds the images of all pods that there were.

    Those in namespaces with a label, and also those that lived for a moment.
    """
    words = {
        "namespaces": [f"--selector={selector}", "-o", _NAME],
        "pods": ["--all-namespaces", "-o", _POD],
    }
    found, watches = set(), []
    with contextlib.ExitStack() as stack:
        for kind, options in words.items():
            file = stack.enter_context(open(directory / kind, "w"))
            command = [find_kubectl() / "kubectl", "get", kind, "--watch"]
            command += [f"--kubeconfig={kubeconfig}", *options]
            watch = stack.enter_context(subprocess.Popen(command, stdout=file))
            stack.callback(watch.terminate)
            watches.append(watch)
        yield found
        assert [watch.poll() for watch in watches] == [None] * 2, "a watch has ended"
    names = set((directory / "namespaces").read_text().split())
    for line in (directory / "pods").read_text().splitlines():
        namespace, _, images = line.partition(" ")
        if namespace in names:
            found |= set(images.split())
