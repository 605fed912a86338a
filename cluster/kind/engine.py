"""Find the container engine of this machine, and ask it about the node of a cluster.

Its own command line is asked, as kind does; there is no library between. Whether a node
could run on what answers is judged in `cluster.kind.fitness`.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass

from cluster import errors
from cluster.kind import fitness

#: in kind's own order of search
PROGRAMS = ("docker", "podman")
#: kind's own variable; who has set it has chosen
CHOSEN = "KIND_EXPERIMENTAL_PROVIDER"
#: the endpoint of an engine that needs no address
HERE = "this machine"
#: seconds for a look; a daemon that hangs is none
PATIENCE = 5.0
#: seconds for work, as stopping a node
LONGEST = 60.0

#: asks whether the engine really answers, and for its version
_VERSION = {
    "docker": ("version", "--format", "{{.Server.Version}}"),
    # `podman version` talks of the client alone.
    "podman": ("info", "--format", "{{.Version.Version}}"),
}
#: asks for what kind asks for, too
_INFO = {"docker": "{{json .}}", "podman": "json"}
_LABEL = "io.x-k8s.kind.cluster"


@dataclass(frozen=True)
class Engine:
    """A container engine that answered: `docker` or `podman`, and its version."""

    program: str
    version: str = ""

    def __str__(self) -> str:
        """Return both as a person says them."""
        return f"{self.program} {self.version}".rstrip()

    @property
    def endpoint(self) -> str:
        """Return where its command line leads just now, "" if it does not say.

        For Docker the address of the context in use, or DOCKER_HOST; for Podman
        CONTAINER_HOST. No daemon is asked.
        """
        if self.program == "podman":
            return os.environ.get("CONTAINER_HOST") or HERE
        form = "{{.Endpoints.docker.Host}}"
        asked = self._run("context", "inspect", "--format", form, timeout=PATIENCE)
        return asked.stdout.strip()

    def environment(self) -> dict[str, str]:
        """Return the environment for kind: this engine, and no kubeconfig but ours."""
        env = {**os.environ, CHOSEN: self.program}
        env.pop("KUBECONFIG", None)
        return env

    def state(self, cluster: str) -> str:
        """Return the state of a cluster's node, as `running` or `exited`, "" for none.

        Raise EngineFailed if it does not answer.
        """
        label = f"label={_LABEL}={cluster}"
        return self.ask("ps", "--all", f"--filter={label}", "--format={{.State}}")

    def stop(self, container: str) -> None:
        """Stop a container; raise EngineFailed."""
        # systemd in it wants a moment to end the containers of pods.
        self.ask("stop", "-t", "20", container)

    def has_image(self, image: str) -> bool:
        """Say whether an image need not be pulled."""
        return self._run("image", "inspect", image, timeout=LONGEST).returncode == 0

    def ask(self, *arguments: str, timeout: float = LONGEST) -> str:
        """Return what the engine prints; raise EngineFailed."""
        done = self._run(*arguments, timeout=timeout)
        if done.returncode:
            what = f"{self.program} {' '.join(arguments[:2])}"
            raise errors.EngineFailed(what, done.returncode, done.stderr)
        return done.stdout.strip()

    def _run(self, *arguments: str, timeout: float) -> subprocess.CompletedProcess:
        try:
            return subprocess.run(
                [self.program, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout,
            )
        except OSError as error:
            said = f"{self.program}: {error.strerror}"
        except subprocess.TimeoutExpired:
            said = f"no answer in {timeout:.0f} s"
        return subprocess.CompletedProcess(arguments, -1, "", said)


def look() -> tuple[Engine | None, str]:
    """Return the first engine that answers here, and "", or why there is none."""
    chosen = os.environ.get(CHOSEN)
    programs = [name for name in PROGRAMS if chosen in (None, "", name)]
    reasons = []
    for name in programs:
        found, why = _answer(name)
        if found:
            return found, ""
        if why:
            reasons.append(why)
    return None, ", ".join(reasons) or f"{' and '.join(programs) or chosen} not found"


def _answer(program: str) -> tuple[Engine | None, str]:
    """Ask one program; no reason is given for one that is not installed."""
    if not shutil.which(program):
        return None, ""
    engine = Engine(program)
    name = engine._run("--version", timeout=PATIENCE).stdout
    if not name.lower().startswith(f"{program} version"):
        # As of the podman package that calls itself docker: kind knows it as podman.
        return None, f"{program} is not {program} here"
    place = _elsewhere(engine)
    if place:
        return None, f"{program} works on another machine ({place})"
    asked = engine._run(*_VERSION[program], timeout=PATIENCE)
    found = asked.stdout.strip()
    if asked.returncode or not found:
        return None, f"{program} does not answer ({_shorten(asked.stderr)})"
    told = engine._run("info", "--format", _INFO[program], timeout=PATIENCE)
    lack = fitness.lack(program, told.stdout)
    return (None, f"{program} {lack}") if lack else (Engine(program, found), "")


def _elsewhere(engine: Engine) -> str:
    """Return the address of an engine that is not on this machine, or "".

    kind would publish the API server's port there, on its 127.0.0.1.
    """
    place = engine.endpoint
    return place if re.match(r"(tcp|ssh|https?)://", place) else ""


def _shorten(complaint: str) -> str:
    """Return the first sentence of an engine's last line."""
    *_, last = ("", *complaint.strip().splitlines())
    sentence = re.split(r"(?<=[^.])[.:;] ", last.strip())[0]
    return sentence.rstrip(".")[:100] or "it says nothing"
