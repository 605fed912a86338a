"""Run the commands of task pages of the Kubernetes documentation in the tab's shell.

The pages are read from a checkout of github.com/kubernetes/website. Each page has a
namespace of its own. A manifest whose address a command has is written into a file
first, as the page *Try it* says. The figures in docs/playground.md were counted by
reading the output.

Usage: `python benchmarks/tasks.py CHECKOUT [PAGE ...] [--program DIRECTORY]`
"""

import argparse
import re
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = (
    "administer-cluster/manage-resources/quota-memory-cpu-namespace",
    "administer-cluster/manage-resources/quota-pod-namespace",
    "configure-pod-container/configure-liveness-readiness-startup-probes",
    "configure-pod-container/configure-pod-configmap",
    "configure-pod-container/configure-pod-initialization",
    "configure-pod-container/configure-projected-volume-storage",
    "configure-pod-container/configure-service-account",
    "inject-data-application/define-command-argument-container",
    "inject-data-application/define-environment-variable-container",
    "inject-data-application/distribute-credentials-secure",
    "inject-data-application/downward-api-volume-expose-pod-information",
    "inject-data-application/environment-variable-expose-pod-information",
    "job/automated-tasks-with-cron-jobs",
    "job/indexed-parallel-processing-static",
    "run-application/access-api-from-pod",
)
#: blocks of commands, also within lists
BLOCK = re.compile(r"^ *```(?:shell|bash)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
#: an address of a manifest, and its path below content/en/
ADDRESS = re.compile(r"https://(?:k8s|kubernetes)\.io/(examples/\S+)")
#: one that is loaded into a file
DOWNLOAD = re.compile(rf"^wget {ADDRESS.pattern} -O (\S+)\n?", re.MULTILINE)
#: seconds for a command, such as a watch, and between two, in which a pod can start
LIMIT, PAUSE = 20, 4


def commands_of(text: str) -> list[str]:
    """Return the blocks of commands of a page."""
    return [textwrap.dedent(block).strip() for block in BLOCK.findall(text)]


def files_of(block: str) -> list[tuple[str, str]]:
    """Return the paths that commands read of the documentation, and their files."""
    loaded = dict(DOWNLOAD.findall(block))
    return [
        (place, loaded.get(place, Path(place).name)) for place in ADDRESS.findall(block)
    ]


def run_page(server: Callable[..., dict], content: Path, page: str) -> None:
    """Print each command of a page, its exit code and what it says."""
    print(f"\n## {page}\n", flush=True)
    name = page.rpartition("/")[2]

    def run(script: str, text: str = "") -> dict:
        request = {"script": script, "session": name, "input": text}
        return server(**request, seconds=LIMIT, together=True)

    begin = f"mkdir -p ~/{name}; cd ~/{name}; kubectl create namespace {name}; "
    run(f"{begin}kubectl config set-context --current --namespace {name}")
    text = (content / "docs" / "tasks" / f"{page}.md").read_text("utf-8")
    for block in commands_of(text):
        command = DOWNLOAD.sub("", block)
        for place, file in files_of(block):
            text = (content / place).read_text("utf-8")
            run(f"mkdir -p {Path(file).parent}; cat > {file}", text)
            command = re.sub(rf"https://\S*{re.escape(place)}", file, command)
        answer = run(command)
        print(f"$ {command}\n{answer['text'].rstrip()}\n[{answer['code']}]", flush=True)
        time.sleep(PAUSE)


def main() -> None:
    """Print what each command says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("pages", nargs="*", default=PAGES)
    parser.add_argument("--program", type=Path, help="by default that of the cache")
    options = parser.parse_args()
    # No installed package has tab/.
    sys.path.append(str(ROOT))
    from tab import build
    from tab.tests.servers import tab

    if not (program := options.program or build.find()):
        raise SystemExit("There is no program yet. Run: .venv/bin/python -m tab.build")
    with tab(program) as server:
        for page in options.pages:
            run_page(server, options.checkout / "content" / "en", page)


if __name__ == "__main__":
    main()
