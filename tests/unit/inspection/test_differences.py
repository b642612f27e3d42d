"""In what two decoded values differ, without a value."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.inspection.differences import differences


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ({"x": 1}, {"x": 1.0}, []),
        ({"x": 1}, {"x": 2}, [("x", "another number")]),
        ({"x": 1}, {"x": "1"}, [("x", "number in A, text in B")]),
        ({"x": True}, {"x": 1}, [("x", "boolean in A, number in B")]),
        ({"x": None}, {"x": ""}, [("x", "null in A, text in B")]),
        ({"x": "a "}, {"x": "a"}, [("x", "blanks at an end")]),
        ({"x": "A"}, {"x": "a"}, [("x", "upper and lower case")]),
        ({"x": "2026-01-31T10:00:00Z"}, {"x": "2026-01-31T10:00:00+00:00"}, [("x", "how a time is written")]),
        ({"x": {"y": 1}}, {"x": {"y": 2, "z": 1}}, [("x.y", "another number"), ("x.z", "only in B")]),
        ({"x": [1, 2]}, {"x": [1]}, [("x", "lists of different lengths")]),
        ({"x": [{"y": 1}, {"y": 2}]}, {"x": [{"y": 3}, {"y": 4}]}, [("x.y", "another number")]),
        ({"x": {}}, {"x": []}, [("x", "record in A, list in B")]),
        ({"x": 1}, {}, [("x", "only in A")]),
    ],
)
def test_kinds(a: Any, b: Any, expected: list[tuple[str, str]]) -> None:
    assert list(differences(a, b, (), ())) == expected


def test_what_may_differ_and_what_is_encrypted() -> None:
    a = {"x": {"y": 1, "secret": "c1"}, "z": 1}
    b = {"x": {"y": 2, "secret": "c2"}, "z": 2, "secret": "c"}
    assert list(differences(a, b, ("z", "x.y"), ("secret",))) == []
    assert [path for path, _ in differences(a, b, (), ())] == ["x.y", "x.secret", "z", "secret"]
