"""Run the copies of an exam, each with the fault that its seed has drawn."""

import json
from pathlib import Path

from helpers import errors
from helpers.command import current_namespace, kubectl
from helpers.course.attempts import Attempt
from helpers.course.exam import (
    BEGUN,
    COPIES,
    MENDED,
    REPAIRS,
    RESUMED,
    WORTH,
    Exam,
    Fault,
    choose_exam,
    faults_of,
    latest_exam,
    note_step,
)
from helpers.course.steps import name_step, show_steps
from helpers.exercises.drills import wait_for_words
from helpers.language import mark, say
from helpers.rbac import objects as rbac
from helpers.rbac.reviews import Account

#: the label of all copies and of their pods
LABEL = "lesson=exam"
_DATA = Path(__file__).parents[1] / "data"


class RunningExam(Exam):
    """An exam whose copies run on the cluster."""

    @property
    def _noted(self) -> list[Attempt]:
        """Return the steps of the file: another variable or kernel notes them there.

        Attempts that the file did not take are only here.
        """
        last = latest_exam(self.seed) if self._steps else None
        return last._steps if last and self._steps[-1] in last._steps else self._steps

    def mend(self, *copies: str) -> None:
        """Replace copies by the application that works; that is no repair of yours.

        Raise LabError for what is no copy to be repaired.
        """
        if not copies or not {*copies} <= {*REPAIRS}:
            fault = mark("Name the copies to replace, some of {copies}.")
            raise errors.LabError(say(fault, copies=", ".join(REPAIRS)))
        lost = [copy for copy in copies if copy not in self.repairs]
        if lost:
            gives_up = mark("This gives up {points} points: those of {copies}.")
            about = {"points": WORTH * len(lost), "copies": ", ".join(lost)}
            print(say(gives_up, **about), flush=True)
        for copy in copies:
            if copy not in self.repairs:
                note_step(self, MENDED, copy=copy)
        plant(self, copies)


def begin_exam(seed: int | None = None) -> RunningExam:
    """Run the eight copies of an exam; go on with one that was begun and not finished.

    Without a seed, it is the exam that was begun or chosen last (`.venv/bin/kapi exam
    --seed 7`), or else a random one; exam 1 where LAB_PROGRESS is `off`. A new exam
    deletes the bindings of the last. Raise LabError for a seed that is no number from
    1 to 9999.
    """
    record = choose_exam(seed)
    exam = RunningExam(record.seed, record._steps)
    kept = any(one.exercise == BEGUN for one in record._steps)
    if not kept:
        remove_grants()
    plant(exam, COPIES)
    note_step(exam, RESUMED if kept else BEGUN)
    return exam


def remove_grants() -> None:
    """Delete the RoleBindings of this namespace, and others only for its accounts.

    Grants of one exam would hide a fault of the next. Bindings that name only
    the learner stay: by it an existing cluster lets the learner in.
    """
    here = current_namespace()
    me = kubectl("auth whoami -o jsonpath={.status.userInfo.username}").stdout
    accounts = {Account.read(copy, here).user for copy in COPIES}
    accounts.add(f"system:serviceaccounts:{here}")
    for binding in rbac.read_rbac().bindings:
        meta = binding["metadata"]
        home = meta.get("namespace", "")
        is_own = home == here and not rbac.is_for(binding, {me})
        if is_own or (binding.get("subjects") and rbac.is_for(binding, accounts)):
            place = [f"--namespace={home}"] if home else []
            kubectl("delete", binding["kind"], meta["name"], *place)


def manifest(
    copy: str, namespace: str, address: str, fault: Fault | None = None
) -> str:
    """Return the objects of a copy as YAML, with a fault or none; pure.

    `address` is that of the API server in the cluster.
    """
    text = (_DATA / "exam.yaml").read_text("utf-8")
    script = json.dumps((_DATA / "ask.sh").read_text("utf-8"))
    text = text.replace("@SCRIPT@", script)
    if fault:
        was, now = fault.edit
        text = text.replace(was, now) + fault.beside
    text = text.replace("@ADDRESS@", address).replace("@COPY@", copy)
    return text.replace("@NAMESPACE@", namespace)


def plant(exam: Exam, copies: tuple[str, ...]) -> None:
    """Run copies until each that starts has logged a line; repaired ones get no fault.

    Raise NotReady if a copy does not, KubectlFailed if kubectl fails.
    """
    faults = faults_of(exam)
    broken = {copy: faults[copy] for copy in copies if copy not in exam.repairs}
    gone = ("--ignore-not-found", *copies)
    service = "get service kubernetes --namespace=default -o jsonpath={.spec.clusterIP}"
    with show_steps():
        name_step(say("replacing {copies}", copies=", ".join(copies)))
        kubectl("delete", "deployments", "--cascade=foreground", *gone)
        # The role of a binding cannot be changed.
        kubectl("delete", "rolebindings", *gone)
        places = current_namespace(), kubectl(service).stdout
        texts = [manifest(copy, *places, broken.get(copy)) for copy in copies]
        kubectl("apply", "-f", "-", input="\n---\n".join(texts))
        silent = {copy for copy, fault in broken.items() if fault.answer[0] == "0"}
        wait_for_words([copy for copy in copies if copy not in silent], LABEL)
