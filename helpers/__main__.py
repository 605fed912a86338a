"""Drive the cluster from a shell: `python -m helpers`.

Thin: it parses, calls the backend, prints. Exit codes: 0 done, 1 a LabError, 2 wrong
usage, 3 `status` of a cluster that does not run.
"""

import json
import sys
import time
from pathlib import Path

import click

from helpers import errors, progress
from helpers.local.backend import LOGS, Local

NOT_RUNNING = 3


class Commands(click.Group):
    """Show a LabError as its message; keep the order in which commands are written."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the commands in reading order."""
        return list(self.commands)

    def invoke(self, context: click.Context):
        """Run the command; a learner's mistake ends with 1 and no traceback."""
        try:
            return super().invoke(context)
        except errors.LabError as error:
            click.echo(f"error: {error}", err=True)
            context.exit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run the Kubernetes cluster behind the notebooks.

    A genuine Kubernetes (etcd, kube-apiserver, kubelet, containerd, ...) starts as
    ordinary processes in Linux namespaces: no root, no Docker. It listens on
    127.0.0.1 only and keeps everything in one directory.

    \b
    Typical use:
      python -m helpers up
      export KUBECONFIG="$(python -m helpers kubeconfig)"
      kubectl get nodes
      python -m helpers stop
    """


@main.command()
def setup() -> None:
    """Make what a start needs: binaries and image (once, about ten minutes)."""
    view = progress.for_here()
    binaries, archive = Local().setup(view)
    view.finish("binaries and image are ready")
    click.echo(f"binaries: {binaries}\nimage:    {archive}")


@main.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port on 127.0.0.1 for the API server. Default: the last one, or any free.",
)
def up(port: int | None) -> None:
    """Start the cluster, or attach to the running one; return when it is ready."""
    backend = Local()
    view = progress.for_here()
    backend.up(view, port=port)
    view.finish("the cluster is ready")
    click.echo(f'export KUBECONFIG="{backend.kubeconfig}"')
    binaries = backend.binaries()
    if binaries:
        click.echo(f'export PATH="{binaries}:$PATH"')


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def status(as_json: bool) -> None:
    """Say how the cluster is: phase, components, restarts. Exit code 3: not running."""
    found = Local().status()
    if as_json:
        click.echo(json.dumps(found or {"phase": "not running"}, indent=2))
    elif found is None:
        click.echo("not running; start it with `python -m helpers up`")
    else:
        _print_status(found)
    if found is None:
        sys.exit(NOT_RUNNING)


def _print_status(found: dict) -> None:
    waiting = ", ".join(found["awaited"])
    click.echo(f"{found['phase']}{f': waiting for {waiting}' if waiting else ''}")
    click.echo(f"server      {found['server']}")
    click.echo(f"kubeconfig  {found['kubeconfig']}")
    click.echo(f"\n{'component':<25}{'state':<12}{'for':>8}{'restarts':>10}  last exit")
    now = time.time()
    for name, part in found["components"].items():
        age = _duration(now - part["since"])
        click.echo(
            f"{name:<25}{part['state']:<12}{age:>8}{part['restarts']:>10}  "
            f"{part['last_exit'] or '-'}"
        )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


@main.command()
def stop() -> None:
    """Stop the cluster. Its objects are kept for the next `up`."""
    stopped = Local().stop()
    click.echo("stopped; the objects are kept" if stopped else "not running")


@main.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(yes: bool) -> None:
    """Stop the cluster and remove its state: objects, keys, logs, images inside.

    Binaries and the image archive stay in the cache.
    """
    backend = Local()
    if not backend.state.exists():
        click.echo("nothing to delete")
        return
    if not yes:
        click.confirm(f"Remove the cluster and all its objects in {backend.state}?",
                      abort=True)
    backend.delete()
    click.echo("deleted")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(as_json: bool) -> None:
    """Check this machine, and list every problem with its way out.

    Exit code 1 if something keeps the cluster from starting.
    """
    from helpers import doctor as checks

    findings = checks.examine()
    if as_json:
        click.echo(json.dumps([finding.as_dict() for finding in findings], indent=2))
    else:
        click.echo(checks.report(findings))
    sys.exit(1 if any(finding.fatal for finding in findings) else 0)


@main.command()
@click.argument("component", metavar="COMPONENT")
@click.option("-n", "--lines", default=50, show_default=True, help="How many lines.")
def logs(component: str, lines: int) -> None:
    """Print the last lines of a component's log."""
    from helpers.local.machine import tail

    path = Local().log(component)
    if not path.exists():
        raise errors.NotRunning(f"There is no log of {component} yet.")
    click.echo(tail(path, lines))


logs.help += "\n\nComponents: " + ", ".join(LOGS) + "."


@main.command()
def kubeconfig() -> None:
    """Print the path of the cluster's kubeconfig (0600; ~/.kube is never touched)."""
    path = Local().kubeconfig
    if not path.exists():
        raise errors.NotRunning("There is no kubeconfig yet.")
    click.echo(path)


@main.group()
def images() -> None:
    """List the images that pods can use, or add one from an archive.

    Pods have no way out to the internet: an image that was not imported ends in
    ErrImagePull. `docker save NAME -o FILE` and `podman save` write an archive.
    """


@images.command("list")
def images_list() -> None:
    """List the imported images with their sizes."""
    for image in Local().images():
        click.echo(f"{image.name:<60}{image.size / 1e6:8.1f} MB")


@images.command("add")
@click.argument("file", type=click.Path(path_type=Path))
def images_add(file: Path) -> None:
    """Import the images of an archive FILE (docker save, podman save, OCI layout)."""
    for name in Local().add_image(file):
        click.echo(f"imported {name}")


if __name__ == "__main__":
    main(prog_name="python -m helpers")
