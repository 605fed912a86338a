"""On Ubuntu the next backend is taken, and one command allows the local one.

Ubuntu's kernel gives a program without a profile no capability in its user namespaces.
This kernel does the same to a shell with a profile that allows all but those; what that
shell starts goes over to a profile of its own, if there is one.
"""

import json
import re
import shlex

import pytest

from cluster.backends import HINT

pytestmark = [
    pytest.mark.machines("a machine of its own"),
    pytest.mark.timeout(1200),
]
SHELL = "/usr/local/bin/restricted-sh"
PROFILE = f"""
abi <abi/4.0>,
include <tunables/global>
profile restricted {SHELL} {{
  userns, network, unix, dbus, signal, ptrace, mqueue, io_uring, change_profile,
  mount, remount, umount, pivot_root,
  /{{,**}} rwlkm,
  /** pix,
  /usr/bin/newuidmap Ux,
  /usr/bin/newgidmap Ux,
}}
"""
FILE = "/etc/apparmor.d/kubernetes-api-notebooks"
SETTING = "apparmor_restrict_unprivileged_userns"
RESTRICT = f"cp /bin/bash {SHELL} && apparmor_parser -r"
#: shows what that kernel has in /proc/sys, and this one has not
SHOW = f"""
mkdir /run/sysctl
mount --make-private -t tmpfs none /run/sysctl
cd /proc/sys/kernel
for name in *; do
    [ ! -d $name ] || mkdir /run/sysctl/$name
    [ -d $name ] || touch /run/sysctl/$name
    mount --bind $name /run/sysctl/$name
done
echo 1 >/run/sysctl/{SETTING}
mount --rbind /run/sysctl /proc/sys/kernel
"""
HIDE = """
umount --recursive /proc/sys/kernel
umount --recursive /run/sysctl
rmdir /run/sysctl
"""
ALLOW_AGAIN = f"""
for name in kubernetes-api-notebooks restricted; do
    echo "profile $name {{}}" | apparmor_parser --remove
done
rm -f {SHELL} {FILE}
"""
REFUSED = "being root of a user namespace was refused (Operation not permitted)"
#: seconds that `up` may take
START = 240.0
HELPERS = ".venv/bin/python -m helpers"
PYTHON = "/home/learner/kubernetes-api-notebooks/.venv/bin/python"


@pytest.fixture(scope="module")
def administrator(lab):
    """Return a login of root's, on a machine that restricts that shell of a learner."""
    with lab.log_in("root") as root:
        root.do(RESTRICT, input=PROFILE)
        yield root
        root.do(ALLOW_AGAIN)


def restricted(session, line: str, code: int = 0) -> str:
    """Run a line in the checkout, in that shell; return what it wrote."""
    command = f"cd kubernetes-api-notebooks && exec {SHELL} -c {shlex.quote(line)}"
    done = session.run(command, timeout=START)
    assert done.returncode == code, done.stdout
    return done.stdout


def findings(session) -> dict:
    """Return what the doctor finds; nothing of it is fatal."""
    found = json.loads(restricted(session, f"{HELPERS} doctor --json"))
    assert not [each for each in found if each["level"] == "fatal"]
    return {each["name"]: each for each in found}


@pytest.fixture(scope="module")
def told(administrator):
    """Return what the doctor, `setup` and the local backend say, with the setting."""
    local = f"LAB_STATE_DIR=$HOME/local {HELPERS} up --backend local"
    administrator.do("sh -eu", input=SHOW)
    try:
        with administrator.machine.log_in("learner") as learner:
            return (
                findings(learner),
                restricted(learner, f"{HELPERS} setup"),
                restricted(
                    learner, f"{local}; code=$?; rm -r $HOME/local; exit $code", 1
                ),
            )
    finally:
        administrator.do("sh -eu", input=HIDE)


def test_a_namespace_can_be_made_and_gives_no_capability(administrator, learner):
    assert restricted(learner, "unshare --user id --user").strip().isdigit()
    refused = restricted(learner, "unshare --user --mount true", 1)
    assert "Operation not permitted" in refused


def test_the_next_backend_is_taken_and_one_command_is_named(told):
    """The choice, the doctor, a start and the local backend agree."""
    found, setup, local = told
    assert "namespaces" not in found
    backend = found["backend"]["message"]
    assert backend.startswith("control-plane: ")
    assert f"because {REFUSED}, and docker and podman not found" in backend
    hint = (
        f"AppArmor restricts user namespaces (kernel.{SETTING}=1). An administrator "
        f"can allow them to these notebooks alone: `{PYTHON} -m helpers apparmor | "
        f"sudo tee {FILE} && sudo apparmor_parser -r {FILE}`. To every program: `sudo "
        f"sysctl kernel.{SETTING}=0`."
    )
    # The one way out, and nothing has been made yet that `delete` could remove.
    assert "local cluster" not in found
    assert found["node"]["hint"] == f"{hint} Then run `.venv/bin/kapi up`."
    assert f"a control-plane cluster, because {REFUSED}, and docker" in setup
    assert f"] {HINT}\n" in setup
    lines = local.partition("error: ")[2].splitlines()
    assert lines == [f"The local cluster cannot start: {REFUSED}.", hint]


def test_that_command_allows_the_local_cluster_and_nothing_else(
    told, administrator, learner
):
    found, *_ = told
    hint = found["node"]["hint"]
    [command] = re.findall("`([^`]*apparmor_parser[^`]*)`", hint)
    administrator.do(command)
    assert findings(learner)["backend"]["message"].startswith("local: ")
    pod = "run one --image=toolbox:1 --restart=Never --attach --rm --quiet"
    kubectl = f'eval "$({HELPERS} up)" && kubectl'
    assert "it runs" in restricted(learner, f"{kubectl} {pod} -- echo it runs")
    labels = administrator.do("ps -eo label,args | grep '[k]ubelet --config'")
    assert labels.startswith("kubernetes-api-notebooks (unconfined)")
    # Not even to the interpreter that starts it, and JupyterLab.
    label = ".venv/bin/python -c 'print(open(\"/proc/self/attr/current\").read())'"
    assert restricted(learner, label).strip() == "restricted (enforce)"
    assert restricted(learner, f"{HELPERS} delete --yes") == "deleted\n"
