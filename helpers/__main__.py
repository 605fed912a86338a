"""Start the command line, and say in one line what keeps it from starting.

Old syntax on purpose: a Python that is too old must be able to read this file.
"""

import os
import sys

INTERRUPTED = 130
OURS = ("cluster", "helpers")
SHORT = "kapi"
#: the way out of packages that are missing
AGAIN = "Run `make setup`, and then `.venv/bin/kapi`."
MOVED = "Move this directory to another file system, and run `make setup` there."
if "-packages" + os.sep in __file__:
    AGAIN, MOVED = "Install it again, with its packages.", "Install it elsewhere."


def unmet_requirement(platform, version):
    """Return why this Python cannot run the suite, or "" if it can."""
    if version < (3, 11):
        release = f"{version[0]}.{version[1]}"
        return f"Python 3.11 or newer is needed; this is {release}.\n{AGAIN}"
    if platform not in ("linux", "darwin"):
        return (
            f"Linux or macOS is needed; this is {platform}.\n"
            "Use WSL 2, or run the container image, as docs/binder.md says."
        )
    return ""


def import_fault(error):
    """Return why the packages of this Python cannot be used, or "" for a fault of ours.

    Some have libraries, which Linux takes from no file system mounted noexec.
    """
    if os.statvfs(sys.prefix).f_flag & getattr(os, "ST_NOEXEC", 0):
        return (
            f"{sys.prefix}: programs may not be started from there (noexec).\n{MOVED}"
        )
    name = error.name or "cluster"
    if not isinstance(error, ModuleNotFoundError) or name.partition(".")[0] in OURS:
        return ""
    return f"The Python package {name} is not installed for {sys.executable}.\n{AGAIN}"


def run():
    """Run the command line; return its exit code."""
    reason = unmet_requirement(sys.platform, sys.version_info)
    if not reason:
        try:
            from helpers.cli import main

            # Both programs are called by their own names.
            module = os.path.basename(sys.argv[0]) == "__main__.py"
            return main(prog_name=SHORT if module else None)
        except ImportError as error:
            reason = import_fault(error)
            if not reason:
                raise
        except KeyboardInterrupt:
            sys.stderr.write("interrupted\n")
            return INTERRUPTED
    from cluster.errors import with_commands

    sys.stderr.write(f"error: {with_commands(reason)}\n")
    return 1


if __name__ == "__main__":
    sys.exit(run())
