"""What a cell of a lesson in a tab has shown, and whether it failed."""

from website.lessons_in_tab import combine, fault


def stream(text: str, name: str = "stdout") -> dict:
    return {"output_type": "stream", "name": name, "text": text}


def shown(data: str, display: str, kind: str = "display_data") -> dict:
    named = {"display_id": display}
    return {"output_type": kind, "data": {"text/plain": data}, "transient": named}


def test_a_cell_that_raises_has_failed_unless_it_may():
    error = {"output_type": "error", "ename": "KeyError", "evalue": "'a'"}
    cell = {"outputs": [stream("before"), error], "metadata": {}}
    assert fault(cell) == "KeyError: 'a'"
    assert fault(cell | {"metadata": {"tags": ["raises-exception"]}}) == ""
    assert fault(cell | {"outputs": [stream("before")]}) == ""


def test_outputs_are_kept_as_a_notebook_keeps_them():
    pieces = [stream("a"), stream("b"), stream("c", "stderr"), stream("d")]
    assert [*combine(iter(pieces))] == [
        stream("ab"),
        stream("c", "stderr"),
        stream("d"),
    ]
    views = [shown("old", "1"), shown("other", "2")]
    views += [shown("new", "1", "update_display_data")]
    assert [view["data"]["text/plain"] for view in combine(iter(views))] == [
        "new",
        "other",
    ]
    cleared = [stream("a"), {"output_type": "clear_output"}, stream("b")]
    assert [*combine(iter(cleared))] == [stream("b")]
