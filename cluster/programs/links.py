"""Give a program that is several its names: links to it, in the same directory."""

from pathlib import Path

from cluster.programs.recipe import Step


def link(step: Step, directory: Path) -> None:
    """Link what the step's programs share to each of its names that is not there.

    Downloads are a file for each name: then there is nothing to link to.
    """
    for name, file in step.links().items():
        if (directory / file).exists() and not (directory / name).exists():
            (directory / name).symlink_to(file)
