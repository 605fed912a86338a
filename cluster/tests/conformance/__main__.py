"""Run Kubernetes' conformance suite on a cluster of its own; say how its specs ended.

    python -m cluster.tests.conformance                  # `make conformance`
    python -m cluster.tests.conformance --focus PATTERN  # some specs, without a table

The next run goes on where one was interrupted. The page is build/conformance.txt; a run
of all specs also writes the table in cluster/docs/cluster.md.
"""

import datetime
import os
import signal
import sys

import click

from cluster import errors, versions
from cluster.image import build
from cluster.local.backend import Local
from cluster.progress import Terminal
from cluster.tests.commandline import ROOT
from cluster.tests.conformance import images, judgement, page, run, specs
from cluster.tests.machines import install, suite

PAGE = ROOT / "build" / "conformance.txt"
DOCUMENT = ROOT / "cluster" / "docs" / "cluster.md"
#: bytes of disk: the archive of the images while it is made, and a cluster with them;
#: what a build of the suite takes is free by then
ROOM = 2e9


@click.command(help=__doc__.partition("\n")[0])
@click.option("--focus", default="", metavar="PATTERN", help="Of these specs alone.")
@click.option("--number", type=click.IntRange(1), help="So many specs at a time.")
@click.option("--again", is_flag=True, help="Run what failed last time, with the rest.")
def main(focus: str, number: int | None, again: bool) -> None:
    """Exit with 1 if a spec failed that the list does not have, or did not run."""
    # So that what runs for us is ended then, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    progress = Terminal()
    try:
        sys.exit(conform(progress, focus, number, again=again))
    except (AssertionError, errors.LabError) as error:
        progress.leave()
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        progress.leave()
        print("Interrupted. The next run goes on with the specs that have not ended.")
        sys.exit(130)


def conform(progress: Terminal, focus: str, number: int | None, *, again: bool) -> int:
    """Build what is missing, run the specs, write the page; return the exit code."""
    if reason := images.lacks():
        raise AssertionError(f"The images cannot be made here: {reason}.")
    number = number or run.usual_number()
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
    with run.begin(run.key(built, archive, programs)) as work:
        work.prepare(all_specs, again=again)
        with run.lab(archive, progress) as cluster:
            limits = bool(cluster.backend.status()["limits"])
            run.Runner(built, cluster, work, all_specs, progress).run(number)
        return report(progress, work, all_specs, number, limits=limits, whole=not focus)


def report(
    progress: Terminal,
    work: run.Work,
    all_specs: list[specs.Spec],
    number: int,
    *,
    limits: bool,
    whole: bool,
) -> int:
    """Write the page, and the table of a whole run; return the exit code."""
    entries = judgement.read_list(judgement.LIST.read_text())
    if not whole:
        titles = {spec.title for spec in all_specs}
        entries = [entry for entry in entries if entry.spec in titles]
    result = judgement.judge(all_specs, work.outcomes(), entries, limits=limits)
    facts = page.Run(
        versions.KUBERNETES,
        datetime.date.today().isoformat(),
        machine(limits),
        number,
        work.minutes,
        work.memory,
    )
    document = DOCUMENT.read_text("utf-8")
    text = page.page(facts, result, document if whole else "")
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text, "utf-8")
    progress.leave()
    print(f"\n{text}\nThis page: {PAGE}\nLog of the suite: {work.log}")
    if whole and not result.missing:
        table = page.table(facts, result)
        DOCUMENT.write_text(page.with_table(document, table), "utf-8")
        print(f"Table: {DOCUMENT}")
    return 0 if result.is_good else 1


def machine(limits: bool) -> str:
    """Return what this machine is, as far as that decides how specs end."""
    cores = len(os.sched_getaffinity(0))
    enforced = "enforced" if limits else "recorded"
    return f"{build.system()} with {cores} cores, limits {enforced}"


if __name__ == "__main__":
    main()
