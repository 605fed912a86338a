"""The commands for a cluster of the learner's own: `use` names it, `rbac` asks for it.

Thin, as `cluster.cli`, which has all the others. What only these two need is imported
in them: every command loads this module.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cluster import backends, choice, errors, paths
from cluster.cli_format import FAILED, Command, working

if TYPE_CHECKING:
    from cluster.existing.backend import Own
    from cluster.existing.record import Record


@click.command(cls=Command, short_help="Name a cluster of your own to learn on.")
@click.option(
    "--kubeconfig",
    required=True,
    type=click.Path(path_type=Path),
    help="The file that leads to it. It is read, and never written.",
)
@click.option("--context", required=True, help="The context in that file.")
@click.option(
    "--image",
    help="Image of the lessons, as your nodes find it. Default: toolbox:1.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def use(kubeconfig: Path, context: str, image: str | None, yes: bool) -> None:
    """Name a cluster of your own for the notebooks to run on.

    Shows what it is: server, cluster, user, versions. Asks once, and knows the cluster
    again by the UID of its namespace kube-system. The context is copied into a
    kubeconfig of the suite's own, so that switching yours changes nothing here.

    Only namespaces that the notebooks made are written to, and each write asks for the
    UID again. The rights that it takes:

      python -m helpers rbac --user NAME
    """
    from cluster import statedir
    from cluster.existing import target
    from cluster.existing.backend import Own
    from cluster.existing.record import Record
    from cluster.statedir import write_private

    state = paths.state_dir()
    kept = backends.Here(choice.AUTO).kept
    if kept not in ("", choice.OWN):
        raise errors.NoBackend(f"the state directory keeps a cluster of {kept}")
    statedir.make(state)
    with working("this is the cluster") as view:
        found = target.find(kubeconfig, context, image, state, view)
    record = target.agreed(Record.read(state), found.record, image)
    if record is None:
        click.echo("\n".join(found.lines()), err=True)
        if not (yes or _agree(found.record)):
            click.echo("nothing was changed (`--yes` does not ask)", err=True)
            sys.exit(FAILED)
        record = found.record
    with statedir.usable(state):
        write_private(state / "kubeconfig", json.dumps(found.document, indent=2))
        record.write(state)
    Own().up()
    click.echo(f"in use: {record.context} at {record.server}")


def _agree(record: "Record") -> bool:
    try:
        question = f"Make and remove namespaces of the lessons at {record.server}?"
        return click.confirm(question, err=True)
    except click.Abort:  # end of input, or Ctrl-C
        return False
    finally:
        if not sys.stdin.isatty():
            click.echo(err=True)  # nobody pressed Enter


def delete(backend: "Own", confirm: Callable[[str], None]) -> None:
    """Delete what was made there and what is here; `confirm` returns if one may."""
    found = backend.removal()
    if found.lost:
        click.echo(found.lost, err=True)
    confirm(found.question())
    backend.delete(found)
    if found.lost:
        click.echo(found.left(), err=True)


@click.command(cls=Command, short_help="Print the rights that the notebooks need.")
@click.option("--user", help="A user, as `kubectl auth whoami` names it.")
@click.option("--serviceaccount", metavar="NAMESPACE:NAME", help="A ServiceAccount.")
@click.option(
    "--no-policy", is_flag=True, help="Leave out the policy, as below Kubernetes 1.30."
)
def rbac(user: str | None, serviceaccount: str | None, no_policy: bool) -> None:
    """Print the least rights for the notebooks on a cluster of your own, as YAML.

    An administrator gives it to the cluster:

      python -m helpers rbac --user anna | kubectl apply -f -

    It is two ClusterRoles: one that is bound to the user everywhere, which reads, and
    makes, changes and deletes namespaces; and one that the user binds to itself in each
    namespace that a lesson makes. RBAC allows both anywhere. A
    ValidatingAdmissionPolicy keeps all writes of this user in namespaces of lessons
    that it made itself.

    Below Kubernetes 1.30 there is no such policy: `kubectl apply` ends with an error,
    and has applied the rest.
    """
    from cluster.existing import rbac as rights

    if bool(user) == bool(serviceaccount):
        raise click.UsageError("Name --user or --serviceaccount.")
    if serviceaccount:
        namespace, colon, name = serviceaccount.partition(":")
        if not (namespace and colon and name):
            raise click.BadParameter(
                "it is NAMESPACE:NAME", param_hint="serviceaccount"
            )
        user = f"system:serviceaccount:{serviceaccount}"
    click.echo(rights.manifest(user, policy=not no_policy), nl=False)
