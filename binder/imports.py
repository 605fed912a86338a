"""Import what notebooks do: an image that lacks any of it fails when it is built.

Python keeps the bytecode of what is imported here, and of nothing else: compiling all
would take 60 MB, compiling none a few seconds of each launch.
"""

import nbval.plugin  # noqa: F401
import pandas  # noqa: F401

from helpers import *  # noqa: F403
from helpers import widgets  # noqa: F401
