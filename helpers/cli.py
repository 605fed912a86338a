"""Add to the commands of the cluster those of the course, such as progress.

Thin, as `cluster.cli` is: it parses, calls, prints. Data goes to stdout.
"""

import os
import sys
from pathlib import Path

import click

from cluster.cli.commands import main as main, start
from cluster.cli.format import show_progress
from cluster.language import mark, say


@main.command(
    context_settings={"ignore_unknown_options": True},
    short_help="Start the cluster, and open JupyterLab on the first lesson.",
)
@click.argument("options", metavar="[OPTION OF JUPYTERLAB]...", nargs=-1)
def lab(options: tuple[str, ...]) -> None:
    """Start the cluster, and open JupyterLab on the first lesson.

    It listens on 127.0.0.1, with a token. `kubectl` in its terminals asks this cluster.
    LAB_LANG=ko opens the lessons in Korean, LAB_LANG=en in English; without it, the
    language of the system decides.

    A checkout has the lessons. The installed program copies them to the directory
    ./kubernetes-api-notebooks; when it is newer than they are, it replaces those that
    you have not changed, puts new ones beside the others, and says so. Options are
    JupyterLab's, such as --port=9999.
    """
    from helpers.course import lab

    directory = lab.lessons_here()
    env = lab.environment(start())
    os.execve(sys.executable, lab.command(directory, options, env), env)


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

    rows = board.progress()
    click.echo(rows.json() if as_json else repr(rows))


@main.command(short_help="Write the notebooks for a class and for its teacher.")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--lesson",
    "own",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Add a lesson of your own; can be repeated.",
)
def export(directory: Path, own: tuple[Path, ...]) -> None:
    """Write the notebooks for a class and for its teacher into DIR.

    DIR must be new or empty. Afterwards it has:

      student/  the notebooks without solutions, and their pictures
      teacher/  the same with each solution instead of its exercise

    Those in Korean are in ko/ of each. The site of the lessons shows their outputs.
    """
    from helpers.course import export as exports

    with show_progress(say("written to {directory}", directory=directory)):
        exports.export(directory, own)


@main.command(short_help="Write a lesson of ten cells to begin your own with.")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
def template(file: Path) -> None:
    """Write a lesson of ten cells to begin your own with, as FILE.

    FILE is new, like my-lesson.ipynb. Its cells connect, show, ask an exercise with a
    check, and clean up. `export --lesson FILE` adds the lesson to a class, and
    `pytest --nbval-lax` runs it.
    """
    from helpers.course import template as templates

    templates.write(file)
    click.echo(say("written to {directory}", directory=file), err=True)


@main.command(short_help="Print what learners have solved, as CSV.")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--items", is_flag=True, help="Print a row for each exercise.")
@click.option("--grades", is_flag=True, help="Print a row for each learner.")
@click.option("--exams", is_flag=True, help="Print a row for each exam.")
def collect(files: tuple[Path, ...], items: bool, grades: bool, exams: bool) -> None:
    """Print what learners have solved, as CSV: one row for each exercise.

    Each FILE is the progress.jsonl of a learner, under any name. Columns:

      learner     the file's name; the directory's, if that is progress.jsonl
      lesson
      exercise
      passed      yes or no
      attempts    how often the check ran until it passed, or until now
      first_pass  when it passed first, in UTC

    A line that is no entry of such a file is an error, with its number.

    With --items, one row for each exercise: how many learners tried it, the share of
    them, in percent, who solved it at the first try, and the three commonest sentences
    of its check, each with the number of learners who got it.

    With --grades, one row for each learner, as the gradebook of Moodle imports it:
    username, how many exercises of each lesson are solved, and their sum.

    With --exams, one row for each exam that a learner has begun: its seed, points and
    minutes, whether it is finished, and whether the answers were shown before the
    first complete answer.
    """
    from helpers.course import classbook

    tables = {
        "--items": (items, classbook.items),
        "--grades": (grades, classbook.grades),
        "--exams": (exams, classbook.exams),
    }
    named = {name: table for name, (chosen, table) in tables.items() if chosen}
    if len(named) > 1:
        raise click.UsageError(f"{' and '.join(named)} are two tables: choose one.")
    [table] = named.values() or [classbook.collect]
    click.echo(table(files), nl=False)


@main.command(short_help="Choose an exam, or say how it goes.")
@click.option("--seed", type=int, metavar="NUMBER", help="Choose this exam, 1 to 9999.")
def exam(seed: int | None) -> None:
    """Choose the exam of lesson 09, or say how it goes.

    An exam has a number; with the same --seed, a class gets the same exam. It begins
    in the notebook, and goes on there if it was stopped. Points, minutes and the
    lessons to read again are kept in progress.jsonl, and sent nowhere.
    """
    from helpers.course import exam as exams

    if seed is not None:
        chosen = exams.choose_exam(seed)
        exams.note_step(chosen, exams.CHOSEN)
        text = mark("Exam {seed} is chosen: open deeper/09-exam.ipynb.")
        click.echo(say(text, seed=seed))
    elif last := exams.latest_exam():
        click.echo(repr(last))
    else:
        click.echo(say("No exam has begun: open deeper/09-exam.ipynb."))


#: bytes of standard input that are read: a paste is a few lines, a log may not end
_PASTE = 1_000_000


@main.command(
    context_settings={"ignore_unknown_options": True},
    short_help="Say what an error message means, and what to do.",
)
@click.argument("words", metavar="[TEXT]...", nargs=-1)
def explain(words: tuple[str, ...]) -> None:
    """Say what an error message means, and what to do.

    TEXT is what kubectl, curl, Python or a log has printed, in single quotes, so that
    the shell leaves its quotes alone. Without it, the message is read from standard
    input:

      kubectl get pods 2>&1 | kapi explain
      kapi explain 'error: You must be logged in to the server (Unauthorized)'

    Printed are the step at which the request ended, why, what to ask next, the way out,
    and for a 403 the commands for the smallest Role and its binding. It asks no server
    and sends nothing. The exit code is 1 if no rule knows the message.

    The answer is in the language of the system; LAB_LANG=en or LAB_LANG=ko changes it.
    """
    from helpers.messages import explain_text

    text = " ".join(words)
    if not words:
        if sys.stdin.isatty():
            text = say("Paste the message, then press Enter and Ctrl-D.")
            click.echo(text, err=True)
        text = sys.stdin.buffer.read(_PASTE).decode(errors="replace")
    advice = explain_text(text)
    click.echo(repr(advice))
    if advice.rule:
        return
    hint = mark(
        "The shell changes a message that isn't in single quotes. A pipe leaves it as "
        "it is: kubectl … 2>&1 | kapi explain"
    )
    click.echo(say(hint), err=True)
    sys.exit(1)
