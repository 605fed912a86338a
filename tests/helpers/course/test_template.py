"""A teacher begins a lesson with ten cells, under a name that a namespace can have."""

import pytest

from cluster.tests.commandline import helpers
from helpers.course import template
from helpers.course.exercise import tags_of


def test_it_has_ten_cells_and_one_exercise_and_uses_its_name():
    cells = template.notebook("my-lesson")["cells"]
    assert len(cells) == 10 and len({cell["id"] for cell in cells}) == 10
    tags = [tag for cell in cells for tag in tags_of(cell)]
    assert tags == ["task", "hint", "exercise", "check", "solution"]
    assert 'create_namespace("my-lesson")' in "".join(cells[1]["source"])


@pytest.mark.parametrize("name", ["My-lesson.ipynb", "lesson.txt", "-.ipynb", "a" * 41])
def test_a_template_has_the_name_of_a_lesson(tmp_path, name):
    done = helpers("template", tmp_path / name)
    assert done.returncode == 1 and "is no name of a lesson" in done.stderr
    assert [*tmp_path.iterdir()] == []


def test_a_template_overwrites_nothing_and_is_korean_where_the_lessons_are(tmp_path):
    file = tmp_path / "my-lesson.ipynb"
    assert helpers("template", file, env={"LAB_LANG": "ko"}).returncode == 0
    written = file.read_text("utf-8")
    assert "## 오브젝트 읽기" in written
    again = helpers("template", file)
    assert again.returncode == 1 and "File exists" in again.stderr
    assert file.read_text("utf-8") == written
