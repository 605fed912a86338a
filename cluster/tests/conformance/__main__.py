"""Run Kubernetes' conformance suite on a cluster of its own; say how its specs ended.

    python -m cluster.tests.conformance                  # `make conformance`
    python -m cluster.tests.conformance --focus PATTERN  # some specs, without a table

With `--machine` they run where limits are enforced. The next run goes on where one was
interrupted. The page is build/conformance.txt; a run of all specs also writes the table
in cluster/docs/cluster.md.
"""

import datetime
import signal
import sys

import click
import psutil

from cluster import errors, versions
from cluster.local.backend import Local
from cluster.progress import Terminal
from cluster.tests.commandline import ROOT
from cluster.tests.conformance import (
    images,
    judgement,
    page,
    run,
    specs,
    target as targets,
)
from cluster.tests.machines import install, root, suite

PAGE = ROOT / "build" / "conformance.txt"
DOCUMENT = ROOT / "cluster" / "docs" / "cluster.md"
#: bytes of disk: the archive of the images while it is made, and a cluster with them;
#: what a build of the suite takes is free by then
ROOM = 2e9


@click.command(help=__doc__.partition("\n")[0])
@click.option("--focus", default="", metavar="PATTERN", help="Only of these specs.")
@click.option("--number", type=click.IntRange(1), help="So many specs at a time.")
@click.option(
    "--machine",
    default="",
    type=click.Choice(["", targets.GUEST]),
    metavar="NAME",
    help=f"On {targets.GUEST}, made and booted for it.",
)
@click.option("--again", is_flag=True, help="Run what failed last time, with the rest.")
def main(focus: str, number: int | None, machine: str, again: bool) -> None:
    """Exit with 1 if a spec failed that the list does not have, or did not run."""
    # So that what runs for us is ended then, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    progress = Terminal()
    try:
        sys.exit(conform(progress, focus, number, machine, again=again))
    except (AssertionError, errors.LabError) as error:
        progress.leave()
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        progress.leave()
        print("Interrupted. The next run goes on with the specs that have not ended.")
        sys.exit(130)


def conform(
    progress: Terminal, focus: str, number: int | None, machine: str, *, again: bool
) -> int:
    """Build what is missing, run the specs, write the page; return the exit code."""
    if reason := images.lacks() or (machine and root.lacks()):
        raise AssertionError(f"The suite cannot be run here: {reason}.")
    free = psutil.virtual_memory().available
    if machine and free < targets.GUEST_MEMORY:
        needed = f"{machine} takes {targets.GUEST_MEMORY / 1e9:.0f} GB of memory"
        raise AssertionError(f"{needed}, and {free / 1e9:.0f} GB are available.")
    number = number or targets.usual_number(machine)
    install.machines().mkdir(parents=True, exist_ok=True)
    needed = ROOM if suite.suite_directory().exists() else suite.ROOM
    print(f"Disk: {needed / 1e9:.0f} GB below {install.machines()}", flush=True)
    install.require_room(needed, "The conformance suite")
    built = suite.ensure(progress)
    programs, _ = Local().setup(progress)
    archive = images.ensure(built, programs, progress)
    progress.update("listing the specs")
    all_specs = run.list_specs(built, focus)
    if not all_specs:
        raise AssertionError(f"No spec of conformance has {focus!r} in its name.")
    cluster = (
        targets.guest(archive, programs, progress)
        if machine
        else targets.here(archive, progress)
    )
    with run.begin(run.key(built, archive, programs), machine) as work:
        work.prepare(all_specs, again=again)
        with cluster as target:
            run.Runner(built, target, work, all_specs, progress).run(number)
        facts = page.Run(
            versions.KUBERNETES,
            datetime.date.today().isoformat(),
            target.machine,
            number,
            work.minutes,
            work.memory,
        )
        whole = machine or page.HERE if not focus else ""
        limits = target.limits
        return report(progress, work, all_specs, facts, limits=limits, table=whole)


def report(
    progress: Terminal,
    work: run.Work,
    all_specs: list[specs.Spec],
    facts: page.Run,
    *,
    limits: bool,
    table: str,
) -> int:
    """Write the page, and the table of a whole run; return the exit code.

    `table` is the table's name; a run of some specs has none.
    """
    entries = judgement.read_list(judgement.LIST.read_text())
    if not table:
        titles = {spec.title for spec in all_specs}
        entries = [entry for entry in entries if entry.spec in titles]
    result = judgement.judge(all_specs, work.outcomes(), entries, limits=limits)
    document = DOCUMENT.read_text("utf-8")
    text = page.page(facts, result, page.last_table(document, table))
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text, "utf-8")
    progress.leave()
    print(f"\n{text}\nThis page: {PAGE}\nLog of the suite: {work.log}")
    if table and not result.missing:
        rows = page.table(facts, result)
        DOCUMENT.write_text(page.with_table(document, rows, table), "utf-8")
        print(f"Table: {DOCUMENT}")
    return 0 if result.is_good else 1


if __name__ == "__main__":
    main()
