"""Write the SHA-256 of every pinned release into this repository: `make checksums`.

The sums are asked for over TLS where the projects publish them, or at LAB_MIRROR. What
changes is printed as a diff: compare it with a second source before you commit it. A
sum that is here already is never replaced, because a release does not change. What
cannot be had stays as it is, and the exit code is 1.
"""

import difflib
import sys

from cluster.binaries import download, releases
from cluster.binaries.releases import Release

#: the top of the file that is written
HEAD = """\
# The SHA-256 of every release that is downloaded, by its address. `make checksums`
# writes this file; with "" the sum that the host publishes is taken.
"""


def pinned_addresses() -> dict[str, Release]:
    """Return every release that can be downloaded, by its address at the project."""
    return {
        release.at(architecture, system=system).url: release.at(
            architecture, releases.mirror(), system
        )
        for architecture in releases.ARCHITECTURES.values()
        for system in (releases.LINUX, releases.MACOS)
        for release in releases.PUBLISHED.values()
        if release.is_for(system)
    }


def collect(known: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return a sum for each address, known or asked for, and what went wrong."""
    found, problems = {}, []
    sums = download.Sums()
    for address, release in sorted(pinned_addresses().items()):
        found[address] = known.get(address, "")
        try:
            published = sums.published(release)
        except download.Unavailable as reason:
            problems.append(str(reason))
            continue
        if found[address] not in ("", published):
            problems.append(
                f"{address} is here with another SHA-256 than the published {published}"
            )
        else:
            found[address] = published
    return found, problems


def text(sums: dict[str, str]) -> str:
    """Return the file's text."""
    return HEAD + "".join(f'"{url}" = "{digest}"\n' for url, digest in sums.items())


def main() -> int:
    """Write the file, show what changes, and return the exit code."""
    before = releases.CHECKSUMS.read_text()
    sums, problems = collect(releases.checksums())
    after = text(sums)
    releases.CHECKSUMS.write_text(after)
    name = releases.CHECKSUMS.name
    lines = difflib.unified_diff(
        before.splitlines(True), after.splitlines(True), name, name, n=0
    )
    sys.stdout.writelines(lines)
    for problem in dict.fromkeys(problems):
        print(f"checksums: {problem}", file=sys.stderr)
    unknown = sum(not digest for digest in sums.values())
    print(f"checksums: {len(sums)} releases, {unknown} not known", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
