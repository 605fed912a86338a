"""Run `python -m helpers` as a person does: in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

#: the checkout
ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "helpers")


def helpers(*arguments, env=None, prefix=(), **options):
    """Run it with `arguments`; `env` is added, a value of None removes a variable."""
    options = {"timeout": 300} | options
    return python("-m", "helpers", *arguments, env=env, prefix=prefix, **options)


def python(*words, env=None, prefix=(), **options):
    """Run this Python in the same way."""
    return subprocess.run(
        [*prefix, sys.executable, *map(str, words)],
        **{
            "cwd": ROOT,
            "env": environment(env),
            "capture_output": True,
            "text": True,
            "stdin": None if "input" in options else subprocess.DEVNULL,
            "timeout": 120,
            **options,
        },
    )


def environment(changes=None):
    """Return this environment with the changes."""
    wanted = {**os.environ, **(changes or {})}
    return {name: str(value) for name, value in wanted.items() if value is not None}
