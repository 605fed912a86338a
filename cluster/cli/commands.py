"""Drive the cluster from a shell: the commands of `kapi`.

Data goes to stdout, everything else to stderr.
"""

import json
import os
import shlex
import sys
import time
from dataclasses import asdict
from pathlib import Path

import click

from cluster import backends, errors, paths, permissions, statedir
from cluster.backend import KIND, LOCAL, Backend
from cluster.cli import existing
from cluster.cli.format import (
    EXIT_CODES,
    FAILED,
    INTERRUPTED,
    NOT_READY,
    NOT_RUNNING,
    Commands,
    colours,
    confirm,
    keep_layout,
    limit_interrupts,
    show_progress,
    status_text,
    with_signs,
)
from cluster.errors import PROGRAM, SHORT, with_commands
from cluster.language import lessons_language, mark, say, speak


def _print_version(context: click.Context, _: click.Parameter, flag: bool) -> None:
    if not flag:
        return
    # Late: no other command reads it.
    from cluster import release

    click.echo(f"{PROGRAM} {release.version()}")
    context.exit()


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=keep_layout(EXIT_CODES),
)
@click.option(
    "-V",
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
@click.pass_context
def main(context: click.Context) -> None:
    """Run the Kubernetes cluster behind the notebooks.

    A genuine Kubernetes (etcd, kube-apiserver, kubelet, containerd, ...) starts as
    ordinary processes in Linux namespaces: no root, no Docker. Where namespaces are
    forbidden and Docker or Podman answers, kind makes a node in a container instead.
    Either listens on 127.0.0.1 only, and is known by one directory (LAB_STATE_DIR). No
    notebook owns it: it runs until `stop`, or until the machine is switched off; where
    a logout ends it, `status` says so.

    Typical use:
      .venv/bin/kapi doctor            what does this machine lack?
      eval "$(.venv/bin/kapi up)"      start it, and point kubectl at it
      kubectl get nodes
      .venv/bin/kapi progress          which exercises are solved, what is next?
      .venv/bin/kapi stop              end it; the next `up` has all objects
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
    elif context.invoked_subcommand not in _ENGLISH:
        speak(lessons_language(os.environ))


#: Most of what these say has no translation, and half of a report helps nobody.
_ENGLISH = ("doctor", "report", "use", "rbac")
which_backend = click.option(
    "--backend",
    type=click.Choice(backends.NAMES),
    help="What runs the cluster. Default: LAB_BACKEND, else what fits this machine.",
)


@main.command()
@which_backend
def setup(backend: str | None) -> None:
    """Make what a start needs: binaries and toolbox image (once).

    Both come in one archive from the release of this version, or Kubernetes is
    downloaded from its official releases. What does not come is built from its Go
    sources, which takes about six minutes on two cores. What was interrupted goes on
    where it was. `up` does the same when it has to. Prints where
    both are.
    """
    with show_progress(say("binaries and toolbox image are ready")) as view:
        # Before minutes of work for a start that fails.
        permissions.refuse_windows(paths.state_dir(), "LAB_STATE_DIR")
        binaries, archive = backends.current(backend, view).setup(view)
    image = archive or say("none: no pod can run")
    click.echo(say("binaries: {binaries}", binaries=binaries))
    click.echo(say("image:    {image}", image=image))
    _tell_of_learners()


def _tell_of_learners() -> None:
    """Tell root, whom Ubuntu does not restrict, that it restricts all others."""
    from cluster.machine import apparmor

    if problem := apparmor.task():
        click.echo(
            f"Other accounts cannot make namespaces here, because {problem}. "
            f"If others learn with this environment, run: {apparmor.command()}",
            err=True,
        )


@main.command(short_help="Start the cluster, or attach to the running one.")
@which_backend
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port on 127.0.0.1 for the API server. Default: the last one, or any free.",
)
def up(backend: str | None, port: int | None) -> None:
    """Start the cluster, or attach to the running one; return when it is ready.

    Prints two lines for a shell, so that `kubectl` there talks to this cluster:

      eval "$(.venv/bin/kapi up)"

    If it fails or is interrupted, nothing is left running.
    """
    cluster = start(backend, port)
    click.echo(f"export KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}")
    binaries = cluster.binaries()
    if binaries:
        click.echo(f'export PATH={shlex.quote(str(binaries))}:"$PATH"')


def start(backend: str | None = None, port: int | None = None) -> Backend:
    """Start the cluster, or attach to it, as `up`; Ctrl-C ends the program."""
    cluster = None
    try:
        done = say("the cluster is ready")
        with limit_interrupts(), show_progress(done) as view:
            cluster = backends.current(backend, view)
            ended = cluster.why_it_ended()
            cluster.up(view, port=port)
    except KeyboardInterrupt:
        runs = cluster and cluster.running()
        runs_on = mark("interrupted; the cluster runs")
        nothing = mark("interrupted; nothing was left running")
        click.echo(say(runs_on if runs else nothing), err=True)
        sys.exit(INTERRUPTED)
    for line in cluster.news(ended):
        click.echo(with_commands(line), err=True)
    return cluster


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def status(as_json: bool) -> None:
    """Say how the cluster is: phase, components, restarts.

    Phases:
      ready          it answers (exit code 0)
      not running    `up` starts it (exit code 3)
      starting       components are awaited (exit code 4, as the next four)
      stopping
      failed         a component could not start; `logs` has the reason
      degraded       it answers, and a component is being started again
      not answering  it runs, and its API server does not answer within 5 s

    What it is short of at the moment, as disk space, is told with each phase.
    """
    facts = backends.kept_backend().full_status()
    if as_json:
        click.echo(with_commands(json.dumps(facts, indent=2)))
    else:
        click.echo(status_text(facts, time.time()))
    phase = facts["phase"]
    sys.exit({"ready": 0, "not running": NOT_RUNNING}.get(phase, NOT_READY))


@main.command(short_help="Stop the cluster and keep its objects.")
def stop() -> None:
    """Stop the cluster and keep its objects for the next `up`.

    It takes up to five seconds. Stopping what does not run is fine. An existing
    cluster is not stopped. A `kubectl proxy` of a notebook goes on until its kernel
    ends.
    """
    backend = backends.kept_backend()
    stopped = backend.stop()
    if backend.name == backends.EXISTING:
        click.echo(say("nothing was stopped: it is an existing cluster"))
        return
    text = mark("stopped; the objects are kept") if stopped else mark("not running")
    click.echo(say(text))


@main.command(short_help="Stop the cluster and remove its objects, keys and logs.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(yes: bool) -> None:
    """Stop the cluster and remove its state: objects, keys, logs, images inside.

    Asks first. Binaries and the toolbox image stay in the cache, so the next `up`
    takes seconds. What `progress` shows is kept, too. From an existing cluster it takes
    what was made there: the namespaces of this state directory, and the account of
    `use`, which takes your own credential. If that cluster is gone by now, it removes
    nothing but what is here.
    """
    backend = backends.kept_backend()
    if not statedir.has_more(backend.state):
        click.echo(say("nothing to delete"))
        return
    if not (yes or confirm(backend.question())):
        click.echo(say("nothing was deleted (`--yes` does not ask)"), err=True)
        sys.exit(FAILED)
    backend.delete()
    click.echo(say("deleted"))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(as_json: bool) -> None:
    """Check this machine, and list every problem with its way out.

    It tries what a start does and leaves nothing behind; the cluster need not run.
    "fatal" keeps the cluster from starting (exit code 1), "warning" means that some
    lessons will not work.
    """
    from cluster import doctor as checks

    findings = checks.examine()
    listed = [asdict(finding) for finding in findings]
    report = checks.report(findings)
    if colours(sys.stdout):
        report = with_signs(report)
    click.echo(json.dumps(listed, indent=2) if as_json else report)
    sys.exit(FAILED if any(finding.fatal for finding in findings) else 0)


LOGS_HELP = f"""Print the last lines of a component's log.

Components:
  {", ".join(LOCAL[:6])}
  {", ".join(LOCAL[6:])}

Components of a kind cluster:
  {", ".join(KIND[:6])}
  {", ".join(KIND[6:])}

`machine` is the process that starts all the others, `node` the container that does.
For pods use `kubectl logs`.
"""


@main.command(help=LOGS_HELP)
@click.argument("component", metavar="COMPONENT")
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="How many lines.",
)
@click.option("-p", "--previous", is_flag=True, help="The log of the start before.")
def logs(component: str, lines: int, previous: bool) -> None:
    """Print the last lines of a component's log."""
    click.echo(backends.kept_backend().log(component, lines, previous=previous))


@main.command()
def report() -> None:
    """Collect diagnostics for a bug report, with secrets redacted.

    It has what `doctor` and `status` say, the versions of Python, of the system and of
    packages, the LAB_ settings, and the end of each component's log. Anything like a
    secret is taken out; names of files and accounts stay, so read it before you hand it
    on. Prints its path: a file in this directory that only you can read (0600).
    """
    from cluster.cli import report as reports

    with show_progress("the report is written") as view:
        path = reports.write(Path.cwd(), view)
    click.echo(path)


@main.command(short_help="Print an AppArmor profile, for an administrator.")
@click.option("--write", is_flag=True, help="Load it, as root, for all accounts.")
def apparmor(write: bool) -> None:
    """Print the AppArmor profile that lets the local cluster make its namespaces.

    Ubuntu gives no rights in a user namespace, except to programs with such a profile.
    This one is for a copy of Python that the start of a cluster then makes in .venv,
    and for nothing else. Read it; an administrator loads it, for each boot as well:

      .venv/bin/kapi apparmor | sudo tee /etc/apparmor.d/kubernetes-api-notebooks
      sudo apparmor_parser -r /etc/apparmor.d/kubernetes-api-notebooks

    With --write, root does that for an environment of root's, as for a class: it loads
    the profile, makes the copy, tries a start as the account `nobody`, and says what
    each update of Python needs. `doctor` says whether this machine needs it.
    """
    from cluster.machine import apparmor

    if not write:
        click.echo(apparmor.profile(apparmor.program()), nl=False)
        return
    from cluster.local import trial

    apparmor.load()
    click.echo(f"loaded, now and at each boot: {apparmor.FILE}", err=True)
    click.echo(f"the copy of Python: {apparmor.program()}", err=True)
    if reason := trial.attempt_as("nobody").clause:
        raise errors.LabError(
            f"The account nobody cannot start a cluster all the same: {reason}.",
            f"Every account must be able to read {sys.prefix}; `.venv/bin/kapi doctor` "
            "as one of them says more.",
        )
    click.echo(
        "tried as nobody: every account can make namespaces\n"
        "After each update of Python the copy is made anew by the same command, or by\n"
        "apt itself with this line in /etc/apt/apt.conf.d/kubernetes-api-notebooks:\n"
        f"  {apparmor.hook()}",
        err=True,
    )


@main.command()
def kubeconfig() -> None:
    """Print the path of the cluster's kubeconfig.

    Only you can read the file (0600). ~/.kube/config is never touched.

      export KUBECONFIG="$(.venv/bin/kapi kubeconfig)"
    """
    path = backends.kept_backend().kubeconfig
    if not path.exists():
        raise errors.NotRunning("There is no kubeconfig yet.")
    click.echo(path)


@main.group(cls=Commands)
@click.pass_context
def images(context: click.Context) -> None:
    """List the images that pods can use, or add one from an archive.

    Alone, it lists them. Pods of the local cluster have no way out to the internet: an
    image that was not imported ends in ErrImagePull.
    """
    if context.invoked_subcommand is None:
        context.invoke(images_list)


@images.command("list")
def images_list() -> None:
    """List the imported images with their sizes.

    These names can stand in `image:` of a pod. `toolbox:1` serves all lessons.
    """
    for image in backends.kept_backend().images():
        click.echo(f"{image.name:<60}{image.size / 1e6:8.1f} MB")


@images.command("add")
@click.argument("file", type=click.Path(path_type=Path))
def images_add(file: Path) -> None:
    """Import the images of the archive FILE.

    `docker save NAME -o FILE` and `podman save NAME -o FILE` write one; a tar of an
    OCI layout does as well. Prints the names for `image:` in a pod.
    """
    for name in backends.kept_backend().add_image(file):
        click.echo(name)


main.add_command(existing.use)
main.add_command(existing.rbac)


_COMPINIT = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }"
#: Changes to click's scripts: a zsh without set-up has no `compdef`, and fish would cut
#: descriptions at a comma.
_MENDED = {
    "zsh": ("    compdef ", f"    {_COMPINIT}\n    compdef "),
    "fish": ('string split ","', 'string split --max 1 ","'),
}


@main.command(short_help="Print what lets a shell complete commands with Tab.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what lets a shell complete commands and options with Tab.

    In bash, zsh and fish, or in their start-up files:

      eval "$(kapi completion bash)"
      eval "$(kapi completion zsh)"
      kapi completion fish | source

    zsh and fish find the program by PATH: in a checkout, activate its environment
    before, by `. .venv/bin/activate` (fish: `source .venv/bin/activate.fish`).
    """
    # Late: no other command reads it.
    from click.shell_completion import get_completion_class

    kind, root = get_completion_class(shell), context.find_root()
    name = root.info_name or SHORT
    variable = f"_{name.replace('-', '_')}_COMPLETE".upper()
    assert kind, f"click has no completion for {shell}"
    script = kind(root.command, {}, name, variable).source()
    click.echo(script.replace(*_MENDED.get(shell, ("", ""))))
