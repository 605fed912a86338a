"""Describe what is in an archive of programs and image: its first file says so."""

import json
import re
from dataclasses import dataclass
from typing import Any

from cluster.language import mark, say
from cluster.programs.recipe import RECIPE
from cluster.programs.releases import ARCHITECTURE

#: version of the manifest's layout
FORMAT = 1
MANIFEST, IMAGE = "manifest.json", "image.tar"
#: paths of programs, and of what curl and jq need to run on any system
PROGRAMS, SHELL = "bin/", "bin/shell/"
_NAME = re.compile(r"bin/(?:shell/)?\w[\w.+-]*|image\.tar")
#: exceptions from reading JSON of whatever layout
_ODD = (LookupError, TypeError, AttributeError, ValueError, RecursionError)


class Unusable(Exception):
    """An archive that cannot be had or used; the message is a clause that says why."""


@dataclass(frozen=True)
class Manifest:
    """The size and SHA-256 of each file, and what decided the image's bytes."""

    files: dict[str, tuple[int, str]]
    image: dict[str, Any]

    @classmethod
    def read(cls, text: bytes) -> "Manifest":
        """Read a manifest; raise Unusable if it does not fit this checkout."""
        try:
            document = json.loads(text)
            files = {
                name: (int(file["size"]), str(file["sha256"]))
                for name, file in document["files"].items()
            }
            image, key = dict(document["image"]), document["programs"]
            version, layout, machine = (
                document[name] for name in ("version", "format", "architecture")
            )
        except _ODD:
            raise Unusable(say("its manifest cannot be read")) from None
        if odd := [name for name in files if not _NAME.fullmatch(name)]:
            raise Unusable(say("its manifest names {name!r}", name=odd[0]))
        if machine != ARCHITECTURE:
            fault = mark("it is for {theirs}, and this machine is {ours}")
            raise Unusable(say(fault, theirs=machine, ours=ARCHITECTURE))
        if (layout, key) != (FORMAT, RECIPE.key()):
            fault = mark(
                "it is of version {version} with {key}, and {wanted} is wanted"
            )
            about = {"version": version, "key": key, "wanted": RECIPE.key()}
            raise Unusable(say(fault, **about))
        return cls(files, image)
