"""Values are taken from many objects at once, and lists are put together again."""

from helpers.walk import Place, element, same


def take(key):
    return lambda above: [None if o is None else o.get(key) for o in above]


def test_places_are_walked_together():
    """What is missing above is missing below."""
    place = Place(take("a"), below=[Place(take("b"), names=["B", "AGAIN"])])
    objects = [{"a": {"b": 1}}, {}, {"a": {}}]
    assert dict(place.collect(objects)) == {
        "B": [1, None, None],
        "AGAIN": [1, None, None],
    }


def test_values_are_converted_once():
    """For all columns that want them."""
    place = Place(same, names=["A"], convert=lambda values: [v * 2 for v in values])
    assert dict(place.collect([1, 2])) == {"A": [2, 4]}


def test_elements():
    """From either end, if there are so many."""
    lists = [[1, 2, 3], [1], [], None]
    assert element(0)(lists) == [1, 1, None, None]
    assert element(2)(lists) == [3, None, None, None]
    assert element(-1)(lists) == [3, 1, None, None]
    assert element(-2)(lists) == [2, None, None, None]


def test_each():
    """Below a list every element is read, and lists come of it; lists in lists too."""
    inner = Place(take("x"), names=["X"])
    objects = [[{"x": 1}, {}], [], None, [{"x": 2}]]
    place = Place(same, each=True, below=[inner])
    assert dict(place.collect(objects)) == {"X": [[1, None], None, None, [2]]}
    nested = Place(same, each=True, below=[Place(take("l"), below=[place])])
    found = dict(nested.collect([[{"l": [{"x": 1}]}, {"l": None}], None]))
    assert found == {"X": [[[1], None], None]}
