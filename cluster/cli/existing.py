"""The commands for an existing cluster: `use` names it, `rbac` prints the rights.

Thin, as `commands`, which has all the others. What only these two need is imported
in them: every command loads this module.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cluster import backends, paths
from cluster.cli.format import FAILED, Command, confirm, show_progress

if TYPE_CHECKING:
    from cluster.existing.account import UsePlan
    from cluster.existing.record import Record


@click.command(cls=Command, short_help="Name an existing cluster to learn on.")
@click.option(
    "--kubeconfig",
    required=True,
    type=click.Path(path_type=Path),
    help="The file that leads to it. It is read, and never written.",
)
@click.option("--context", required=True, help="The context in that file.")
@click.option(
    "--image",
    metavar="REGISTRY/NAME:TAG",
    help="Name of the toolbox image in your registry; Kubernetes 1.36. Default: "
    "toolbox:1, which your nodes have.",
)
@click.option("--yes", is_flag=True, help="Do not ask whether this is the cluster.")
@click.option(
    "--without-policy",
    is_flag=True,
    help="Do not ask either where nothing keeps writes in namespaces of lessons.",
)
def use(
    kubeconfig: Path, context: str, image: str | None, yes: bool, without_policy: bool
) -> None:
    """Name an existing cluster for the notebooks to run on.

    Shows what it is and what will be made there, and asks once. With your credential it
    makes an account for the lessons (a ServiceAccount with two ClusterRoles) and a
    ValidatingAdmissionPolicy, by which the API server keeps that account in namespaces
    of lessons. A dry run has to prove it; only then do the notebooks get a token of the
    account, and nothing else. `connect()` renews it with your credential; `delete`
    takes all of it back.

    If you may not make these objects, an administrator can:

      .venv/bin/kapi rbac --account NAME

    `use` takes the kubeconfig that comes back, proves the policy, and makes nothing.
    """
    from cluster import statedir
    from cluster.existing import account
    from cluster.existing.backend import Existing
    from cluster.existing.record import Record

    state = paths.state_dir()
    kept = backends.MachineFacts(backends.AUTO).kept
    if kept not in ("", backends.EXISTING):
        reason = f"the state directory keeps a cluster of {kept}"
        raise backends.refusal(backends.Choice(backends.NONE, reason))
    statedir.make(state)
    before = Record.read(state)
    with show_progress("this is the cluster") as view:
        plan = account.plan(kubeconfig, context, image, before, view)
    if not _learner_agrees(plan, before, yes=yes, without_policy=without_policy):
        click.echo("nothing was changed", err=True)
        sys.exit(FAILED)
    with show_progress("the cluster can be used") as view:
        account.apply(plan, state, view)
        Existing().up(view)
    click.echo(f"in use: {plan.record.context} at {plan.record.server}")


def _learner_agrees(
    plan: "UsePlan", before: "Record | None", *, yes: bool, without_policy: bool
) -> bool:
    """Return whether the learner agrees to a plan, now or to the same one before."""
    record = plan.record
    if before and (before.user, before.has_policy) == (record.user, record.has_policy):
        return True
    click.echo("\n".join(plan.lines()), err=True)
    what = (
        "Make this, and namespaces of lessons,"
        if record.account_made
        else "Make namespaces"
    )
    if not (yes or confirm(f"{what} at {record.server}?")):
        return False
    if record.has_policy:
        return True
    click.echo(plan.reason, err=True)
    if not record.account_made:
        click.echo(
            "`.venv/bin/kapi rbac --account NAME` prints the account, for an "
            "administrator.",
            err=True,
        )
    risk = (
        "an account without a policy"
        if record.account_made
        else "all rights of your own"
    )
    return without_policy or confirm(
        f"Go on all the same, with {risk} (`--without-policy`)?"
    )


@click.command(cls=Command, short_help="Print the account of a learner, as YAML.")
@click.option("--account", metavar="NAME", help="Make a ServiceAccount for NAME.")
@click.option("--user", help="Or a user, as `kubectl auth whoami` names it.")
@click.option(
    "--image", metavar="REGISTRY/NAME:TAG", help="Replaces toolbox:1; Kubernetes 1.36."
)
@click.option(
    "--without-policy",
    is_flag=True,
    help="Leave out the policy, as below Kubernetes 1.30.",
)
def rbac(
    account: str | None, user: str | None, image: str | None, without_policy: bool
) -> None:
    """Print what `use` makes on an existing cluster, for an administrator, as YAML.

      .venv/bin/kapi rbac --account anna | kubectl apply -f -

    The first lines of it are the commands that make a kubeconfig for the learner. With
    --user somebody whom the cluster knows already gets the rights, and `use` takes
    their own kubeconfig.

    It is two ClusterRoles: one is bound to the account everywhere, which reads, and
    makes, changes and deletes namespaces; and one that the account binds to itself in
    each namespace that a lesson makes. RBAC allows both anywhere. A
    ValidatingAdmissionPolicy keeps all writes of the account in namespaces of lessons
    that it made itself.

    To take all of it back: `kubectl delete -f -` instead of `kubectl apply -f -`.
    """
    from cluster.existing import rbac as rights

    if bool(user) == bool(account):
        raise click.UsageError("Name --account or --user.")
    if account and not rights.is_name(rights.home(account)):
        raise click.BadParameter("it is not a name for a namespace", param_hint=account)
    whose = user or rights.user_of(account or "")
    text = rights.manifest(
        whose,
        policy=not without_policy,
        image=image or rights.TOOLBOX,
        account=account or "",
    )
    click.echo((rights.handover(account) if account else "") + text, nl=False)
