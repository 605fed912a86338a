"""An exam is that of its seed, goes on where it stopped, and counts first answers."""

import _thread
import json
import re
import threading

import pytest

from cluster.tests.commandline import helpers
from cluster.waiting import poll
from helpers import begin_exam, errors, kubectl
from helpers.course import attempts, exam as record, lessons
from helpers.course.exam import COPIES, POINTS, REPAIRS, Exam, draw_faults, read_faults
from helpers.exercises import exam
from helpers.exercises.checks.exam import name_faults, repair_faults
from helpers.exercises.exam import manifest


@pytest.fixture
def noted(tmp_path, monkeypatch):
    """Let a learner's own exam be noted in an empty directory; plant no copy."""
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv(attempts.SETTING)
    monkeypatch.setattr(exam, "plant", lambda *_: None)
    monkeypatch.setattr(exam, "remove_grants", lambda: None)


@pytest.mark.parametrize("name", read_faults())
def test_a_fault_is_one_edit_of_the_manifest_that_works(name):
    """And it says the step, the change and a lesson as the page has them."""
    fault = read_faults()[name]
    old, new = fault.edit
    places = ("x", "here", "10.0.0.1")
    whole, broken = manifest(*places), manifest(*places, fault)
    fill = {"@COPY@": "x", "@NAMESPACE@": "here"}
    for mark, word in fill.items():
        old, new = old.replace(mark, word), new.replace(mark, word)
    assert whole.count(old) == 1 and broken.startswith(whole.replace(old, new))
    assert not re.search("@[A-Z]+@", whole + broken)
    assert re.fullmatch("[0-6][NCTPRM]", fault.answer)
    assert fault.read in [one.name for one in lessons() if one.is_core]


def test_a_seed_draws_the_same_eight_for_everyone():
    assert len(read_faults()) >= 20
    for seed in range(1, 200):
        faults = draw_faults(seed)
        steps = [fault.answer[0] for fault in faults]
        assert faults == draw_faults(seed) and len({id(one) for one in faults}) == len(
            COPIES
        )
        assert len(steps) == 8 and max(map(steps.count, steps)) <= 3
    assert draw_faults(1) != draw_faults(2)
    met = {id(fault) for seed in range(1, 200) for fault in draw_faults(seed)}
    assert met == {*map(id, read_faults().values())}


@pytest.mark.parametrize("seed", ["7", "seven", 7.0, True, 0, -1, 10_000, [7]])
def test_a_seed_that_is_no_number_of_an_exam_is_refused_in_one_line(noted, seed):
    with pytest.raises(errors.LabError) as refused:
        begin_exam(seed)
    assert f"{refused.value}" == (
        f"{seed!r} is no exam: its number is one from 1 to 9999."
    )
    assert not attempts.file().exists()


@pytest.mark.parametrize(
    ("seed", "said"),
    [("x", "'x' is not a valid integer"), ("10000", "10000 is no exam: its number is")],
)
def test_the_command_refuses_it_too(noted, seed, said):
    done = helpers("exam", "--seed", seed)
    assert done.returncode and done.stdout == "" and said in done.stderr
    assert "Traceback" not in done.stderr
    assert not attempts.file().exists()


def test_a_class_gets_the_exam_that_was_chosen(noted):
    assert helpers("exam", check=True).stdout.startswith("No exam has begun")
    assert helpers("exam", "--seed", "7", check=True).stdout == (
        "Exam 7 is chosen: open deeper/09-exam.ipynb.\n"
    )
    assert begin_exam().seed == 7
    said = "Exam 7: 0 of 24 points, 0 min.\n"
    assert helpers("exam", check=True).stdout == said


def test_without_a_seed_the_exams_differ(noted):
    seeds = set()
    for _ in range(4):
        begun = begin_exam()
        begun.reveal_answers()
        begun.mend(*REPAIRS)
        seeds.add(begun.seed)
    assert len(seeds) > 1


def test_an_exam_that_was_stopped_is_taken_up_again(noted, monkeypatch):
    """With its points, and without the time in between."""
    clock = iter([0, 600, 660, 90_000, 90_120])
    monkeypatch.setattr(attempts.time, "time", lambda: next(clock))
    first = begin_exam(7)
    record.note_step(first, record.NAMED, answers="".join(KEY.values()))
    record.note_step(first, record.REPAIRED, copy="copy-2")
    again = begin_exam()
    assert (again.seed, again.points, again.repairs) == (7, 18, {"copy-2": "repaired"})
    record.note_step(again, record.REPAIRED, copy="copy-1")
    assert (again.points, again.minutes, again.finished) == (20, 13, False)
    told = "Exam 7: 20 of 24 points, 13 min. Left to repair: copy-3, copy-4."
    assert repr(again) == told
    assert repr(record.latest_exam()) == repr(again)


def test_another_exam_does_not_end_the_one_that_was_stopped(noted):
    record.note_step(begin_exam(7), record.REPAIRED, copy="copy-2")
    begin_exam(8)
    assert begin_exam(7).repairs == {"copy-2": "repaired"}


def test_an_exam_that_is_finished_begins_anew(noted):
    first = begin_exam(7)
    first.reveal_answers()
    first.mend(*REPAIRS)
    assert first.finished and first.points == 0
    assert begin_exam(7).first_answer is None


KEY = {copy: fault.answer for copy, fault in zip(COPIES, draw_faults(7), strict=True)}
WRONG = KEY | {"copy-1": "6M", "copy-2": KEY["copy-2"][0] + "M"}


def test_the_first_complete_answer_counts(noted):
    """Each step and each change; what is given later is judged, and no point more."""
    begun = begin_exam(7)
    with pytest.raises(errors.NotSolved, match="copy-8: '' is not a step and a"):
        name_faults(KEY | {"copy-8": ""}, begun)
    assert begun.first_answer is None
    with pytest.raises(errors.NotSolved, match="Wrong: copy-1, copy-2") as wrong:
        name_faults(WRONG, begun)
    assert wrong.value.message.startswith("copy-1 is not 6M: read lesson 0")
    assert begun.points == 13
    assert draw_faults(7)[0].read in begun.to_read
    name_faults({copy: f" {answer.lower()}" for copy, answer in KEY.items()}, begun)
    assert begun.points == 13


def test_the_key_gives_up_the_points_and_only_those(noted):
    begun = begin_exam(7)
    record.note_step(begun, record.NAMED, answers="".join(KEY.values()))
    assert begun.reveal_answers() == KEY and begun.points == 16
    other = begin_exam(8)
    name_faults(other.reveal_answers(), other)
    assert other.points == 0


def test_a_key_that_is_shown_elsewhere_gives_up_the_points_too(noted):
    """In another variable, or in another kernel; the file has the record."""
    begun, twin = begin_exam(7), begin_exam()
    with pytest.raises(errors.NotSolved, match="Points: 0 of 24"):
        name_faults(twin.reveal_answers() | {"copy-1": "6M"}, begun)
    twin.mend(*REPAIRS)
    assert f"{repair_faults(begun)}" == "Correct."
    assert (begun.points, begun.finished) == (0, True)


def test_a_step_that_cannot_be_noted_counts_here(noted, monkeypatch):
    """On a full disk, or in a directory that is read-only."""

    def refuse(*_):
        raise OSError(28, "No space left on device")

    begun = begin_exam(7)
    monkeypatch.setattr(attempts, "_append", refuse)
    name_faults(KEY, begun)
    assert begun.points == 16


def test_answers_to_another_exam_are_no_first_answer(noted):
    """They are still in the kernel when the next exam begins."""
    name_faults(KEY, begin_exam(7))
    other = begin_exam(8)
    with pytest.raises(errors.NotSolved, match="These are your answers to exam 7: run"):
        name_faults(KEY, other)
    assert other.first_answer is None


def test_tab_offers_nothing_that_changes_the_record(noted):
    begun = begin_exam(7)
    names = {name for name in dir(begun) if not name.startswith("_")}
    assert not names & {"note", "steps"}
    with pytest.raises(AttributeError):
        begun.seed = 8


def test_tab_offers_no_answers(noted):
    """An attribute that shows them would cost no points, and a method is called."""
    begun = begin_exam(7)
    names = [name for name in dir(begun) if not name.startswith("_")]
    shown = [repr(getattr(begun, name)) for name in names]
    assert "reveal_answers" in names and "points" in names
    values = " ".join(one for one in shown if "bound method" not in one)
    assert not [answer for answer in KEY.values() if answer in values]


def test_no_copy_is_judged_before_the_faults_are_named(noted):
    """Its sentence would show the step."""
    with pytest.raises(errors.NotSolved, match="First name the faults"):
        repair_faults(begin_exam(7))


def test_a_perfect_exam_has_nothing_to_read_again(noted):
    begun = begin_exam(7)
    record.note_step(begun, record.NAMED, answers="".join(KEY.values()))
    for copy in REPAIRS:
        record.note_step(begun, record.REPAIRED, copy=copy)
    assert (begun.points, begun.to_read, begun.finished) == (POINTS, [], True)
    assert repr(begun) == "Exam 7: 24 of 24 points, 0 min."


@pytest.mark.parametrize(
    "result",
    [
        {"seed": "7"},
        {"seed": 10**9},
        {"seed": 7, "answers": 16},
        {"seed": 7, "answers": "4T"},
        {"seed": 7, "copy": "copy-9"},
        {"seed": 7, "copy": []},
        {},
        [],
    ],
)
@pytest.mark.parametrize("step", ["named", "repaired", "begun"])
def test_a_damaged_file_loses_no_other_step(noted, result, step):
    """What is no step is left out, and the board says so where it is no line at all."""
    record.note_step(begin_exam(7), record.REPAIRED, copy="copy-2")
    line = {"time": 1, "lesson": "exam", "exercise": step, "diagnosis": ""}
    with attempts.file().open("a") as file:
        file.write('{"time": 1, "les\n')
        file.write(json.dumps(line | {"result": result}) + "\n")
    again = begin_exam()
    assert (again.seed, again.repairs) == (7, {"copy-2": "repaired"})
    lines = 1 + (result == [])
    said = helpers("progress", check=True).stdout
    assert f"{lines} line" in said and "could not be read" in said


@pytest.mark.parametrize("order", [("seed", "answers"), ("answers", "seed")])
def test_a_step_is_read_by_its_fields(noted, order):
    """Another order of keys, as of another program, drops no points."""
    begin_exam(7)
    result = {"seed": 7, "answers": "".join(KEY.values())}
    line = {"time": 1, "lesson": "exam", "exercise": "named", "diagnosis": ""}
    line["result"] = {key: result[key] for key in order}
    with attempts.file().open("a") as file:
        file.write(json.dumps(line) + "\n")
    assert begin_exam().points == 16


@pytest.fixture
def repairing(noted):
    """Return exam 7 with its faults named."""
    begun = begin_exam(7)
    record.note_step(begun, record.NAMED, answers="".join(KEY.values()))
    return begun


def test_a_check_that_is_stopped_loses_no_copy(repairing, monkeypatch):
    """A copy is noted as soon as it has passed, while others are looked at."""
    ended = threading.Event()

    def judge(copy):
        if copy != "copy-3":
            poll(lambda: "copy-3" in repairing.repairs, 20)
            if copy == "copy-1":
                _thread.interrupt_main()
            ended.wait(20)
        return ""

    monkeypatch.setattr("helpers.exercises.checks.exam.fault_of_copy", judge)
    with pytest.raises(KeyboardInterrupt):
        repair_faults(repairing)
    ended.set()
    assert repairing.repairs == {"copy-3": "repaired"}
    assert record.latest_exam().points == 18


def test_a_copy_that_cannot_be_judged_costs_no_other(repairing, monkeypatch):
    """What works is noted; then what does not work is told, or else is undecided."""

    def judge(copy):
        if copy == "copy-2":
            raise errors.Undecided("copy-2")
        return "It is broken." if copy == "copy-1" else ""

    monkeypatch.setattr("helpers.exercises.checks.exam.fault_of_copy", judge)
    with pytest.raises(errors.NotSolved, match="^copy-1: It is broken.$"):
        repair_faults(repairing)
    assert repairing.repairs.keys() == {"copy-3", "copy-4"}
    monkeypatch.setattr(
        "helpers.exercises.checks.exam.fault_of_copy",
        lambda copy: judge("copy-2") if copy == "copy-2" else "",
    )
    with pytest.raises(errors.Undecided, match="waits for copy-2"):
        repair_faults(repairing)
    assert repairing.repairs.keys() == {"copy-1", "copy-3", "copy-4"}
    monkeypatch.setattr(
        "helpers.exercises.checks.exam.fault_of_copy", lambda copy: f"{copy} is not."
    )
    with pytest.raises(errors.NotSolved, match="^copy-2: copy-2 is not.$"):
        repair_faults(repairing)


def test_what_concerns_several_copies_is_said_once(repairing, monkeypatch):
    """A stray binding is no fault of the first copy."""
    module = "helpers.exercises.checks.exam.fault_of_copy"
    monkeypatch.setattr(module, lambda _: "RoleBinding `an` names `alice`.")
    with pytest.raises(errors.NotSolved, match="^RoleBinding `an` names `alice`.$"):
        repair_faults(repairing)


def test_the_check_says_which_copies_it_looks_at(repairing, monkeypatch):
    """Without those that are repaired."""
    record.note_step(repairing, record.REPAIRED, copy="copy-2")
    steps = []
    monkeypatch.setattr("helpers.exercises.checks.exam.name_step", steps.append)
    monkeypatch.setattr("helpers.exercises.checks.exam.fault_of_copy", lambda _: "")
    assert f"{repair_faults(repairing)}" == "Correct."
    assert steps[0] == "looking at copy-1, copy-3, copy-4"


#: bindings as a learner makes them in an exam, and whether the next one is without
GRANTS = {
    "create rolebinding fix --role=copy-1 --serviceaccount={}:copy-2": True,
    "create rolebinding copy-1 --role=copy-1 --serviceaccount={}:copy-1": True,
    "create rolebinding every --clusterrole=view --group=system:authenticated": True,
    "create rolebinding me --clusterrole=admin --user=kubernetes-admin": False,
    "create clusterrolebinding {}-one --clusterrole=view --serviceaccount={}:copy-3": (
        True
    ),
    "create clusterrolebinding {}-all --clusterrole=view "
    "--group=system:serviceaccounts:{}": True,
    "create clusterrolebinding {}-other --clusterrole=view --user=jane": False,
}


@pytest.mark.full("what an exam removes from the cluster")
def test_a_new_exam_begins_without_the_rights_of_the_last(cluster, namespace):
    """They would hide a fault. A binding for the learner alone stays."""
    try:
        for line in GRANTS:
            kubectl(line.replace("{}", namespace))
        exam.remove_grants()
        for line, is_gone in GRANTS.items():
            _, kind, name, *_ = line.replace("{}", namespace).split()
            assert bool(kubectl("get", kind, name, check=False).exit_code) == is_gone
    finally:
        names = [f"{namespace}-{end}" for end in ("one", "all", "other")]
        kubectl("delete", "clusterrolebinding", "--ignore-not-found", *names)


def test_only_a_new_exam_removes_grants(noted, monkeypatch):
    """One that goes on keeps what its repairs have granted."""
    removals = []
    monkeypatch.setattr(exam, "remove_grants", lambda: removals.append(1))
    begin_exam(7)
    begin_exam()
    assert len(removals) == 1
    begin_exam(8)
    assert len(removals) == 2


def test_a_cluster_that_is_stopped_is_said_in_one_line_and_costs_nothing(
    noted, monkeypatch, phase
):
    """In the middle of the exam; the repairs go on when it runs again."""
    begun = begin_exam(7)
    record.note_step(begun, record.NAMED, answers="".join(KEY.values()))
    before = attempts.file().read_text()
    phase("stopped")

    def refused(*_):
        from helpers.command import demand_cluster

        demand_cluster()

    monkeypatch.setattr("helpers.exercises.checks.exam.fault_of_app", refused)
    with pytest.raises(errors.ClusterDown, match="does not run"):
        repair_faults(begun)
    assert attempts.file().read_text() == before
    assert record.latest_exam().points == 16


def test_the_first_of_two_answers_to_a_repair_counts():
    """Replaced, then repaired: no points."""
    steps = [
        attempts.Attempt(0, "exam", step, "", {"seed": 7, "copy": "copy-1"})
        for step in (record.MENDED, record.REPAIRED)
    ]
    assert Exam(7, steps).repairs == {"copy-1": record.MENDED}


@pytest.mark.parametrize("copies", [(), ("copy-5",), ("copy-1", "copy1")])
def test_only_copies_to_be_repaired_are_replaced(noted, copies):
    begun = begin_exam(7)
    with pytest.raises(errors.LabError, match="some of copy-1, copy-2, copy-3, copy-4"):
        begun.mend(*copies)
    assert begun.repairs == {}


def test_where_nothing_is_noted_nothing_is_taken_up(noted, monkeypatch):
    begin_exam(7)
    monkeypatch.setenv(attempts.SETTING, "off")
    assert (begin_exam().seed, begin_exam(7).first_answer) == (1, None)
