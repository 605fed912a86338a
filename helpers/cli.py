"""Add to the commands of the cluster those of the course: progress, export, collect.

Thin, as `cluster.cli` is: it parses, calls, prints. Data goes to stdout.
"""

from pathlib import Path

import click

from cluster.cli import main as main
from cluster.cli.format import working


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def progress(as_json: bool) -> None:
    """Say which exercises are solved, and where to go on.

    One line for each lesson, and below them the next lesson; `progress()` shows the
    same in a notebook. The chapter is finished when the exercises of the core lessons
    are solved, but for the optional ones. Each check writes a line into progress.jsonl
    in the state directory, which `stop` and `delete` leave alone. Nothing is sent
    anywhere.
    """
    from helpers.course import board

    shown = board.progress()
    click.echo(shown.json() if as_json else repr(shown))


@main.command(short_help="Write the notebooks for a class and for its teacher.")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def export(directory: Path) -> None:
    """Write the notebooks for a class and for its teacher into DIR.

    DIR must be new or empty. Afterwards it has:

      student/  the notebooks without solutions, and their pictures
      teacher/  the same with each solution in the place of its exercise

    Those in Korean are in ko/ of each. It needs a checkout: the installed package has
    no notebooks. The site of the lessons shows their outputs.
    """
    from helpers.course import export as exports

    with working(f"written to {directory}"):
        exports.export(directory)


@main.command(short_help="Print what learners have solved, as CSV.")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
def collect(files: tuple[Path, ...]) -> None:
    """Print what learners have solved, as CSV: one row for each exercise.

    Each FILE is the progress.jsonl of a learner, under any name. Columns:

      learner     the file's name; the directory's, if that is progress.jsonl
      lesson
      exercise
      passed      yes or no
      attempts    how often the check ran until it passed, or until now
      first_pass  when it passed first, in UTC

    A line that is no entry of such a file is an error, with its number.
    """
    from helpers.course import classbook

    click.echo(classbook.collect(files), nl=False)
