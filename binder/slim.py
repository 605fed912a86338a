"""Remove what the notebooks never use from fresh packages: `slim.py DIRECTORY`.

DIRECTORY is where pip has put them. Its one caller is postBuild, which installs them in
the same step: what a later step removes stays in the image, out of sight.
"""

import shutil
import subprocess
import sys
from pathlib import Path

#: Only of packages that the base image does not have: others are in a layer below.
UNUSED = (
    # Half of the client is its asynchronous twin, which nothing else imports.
    "kubernetes/aio",
    # What a package tests itself with, or is compiled against.
    *("pandas/tests", "numpy/**/tests"),
    *("pyarrow/tests", "pyarrow/include", "pyarrow/src", "pyarrow/_pyarrow_cpp_tests*"),
    *("numpy/**/*.a", "numpy/**/*.h", "numpy/**/*.pxd", "pandas/**/*.pxd"),
    *("pandas/**/*.pyx", "pyarrow/**/*.pxd", "pyarrow/**/*.pxi", "pyarrow/**/*.pyx"),
    # Libraries for servers and stores of tables; nothing that stays is linked with one.
    *("pyarrow/*_flight*", "pyarrow/_s3fs*", "pyarrow/libarrow_s3*"),
    # Further copies of a library that is found by its name with a version.
    *("pyarrow/libarrow_python*.so", "pyarrow/libarrow_python*.so.*.*"),
)
#: published with names that only a debugger asks for
UNSTRIPPED = (
    *("pyarrow/*.so*", "httptools/**/*.so", "aiohttp/**/*.so", "multidict/*.so"),
)


def slim(directory: Path) -> None:
    """Remove it from there; raise OSError or CalledProcessError."""
    for pattern in UNUSED:
        for path in list(directory.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    for pattern in UNSTRIPPED:
        for path in directory.glob(pattern):
            subprocess.run(["strip", "--strip-unneeded", path], check=True)


if __name__ == "__main__":
    slim(Path(sys.argv[1]))
