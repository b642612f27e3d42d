"""YAML within bounds: a contract of brackets or of aliases is one sentence, at once."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from bridge.errors import ConfigurationError
from bridge.model.contract import parse
from bridge.yaml_text import NoYamlError, documents_of

LETTERS = "abcdefghij"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{two}: &{two} [{','.join([f'*{one}'] * 10)}]\n" for one, two in pairwise(LETTERS)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{two}: &{two}\n  <<: [{','.join([f'*{one}'] * 10)}]\n" for one, two in pairwise(LETTERS)
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("event: " + "[" * 3000, "nested more than 50 deep in line 1"),
        ("{a: " * 3000, "nested more than 50 deep"),
        (BOMB, "stands for more than 100000 values"),
        (MERGES, "stands for more than 100000 values"),
        ("event: &a [*a]", "refers to itself in line 1"),
        ("event: " + "9" * 6000, "a date or a number that there is not"),
        ("event: 2024-99-99", "a date or a number that there is not"),
        ("event: !!python/object:os.system x", "is no YAML in line 1"),
        ('event: "\\ud800"', "half a character"),
        ("event: [", "is no YAML in line 1"),
        ("event: a\0b", "is no YAML"),
    ],
)
def test_what_is_beyond_the_bounds_is_one_sentence_that_names_the_contract(text: str, why: str) -> None:
    began = time.monotonic()
    with pytest.raises(NoYamlError, match=why):
        documents_of(text)
    with pytest.raises(ConfigurationError, match=why) as refused:
        parse(text, "orders.contract.yaml")
    assert refused.value.message.startswith("orders.contract.yaml: ")
    assert "\n" not in refused.value.message
    assert time.monotonic() - began < 20


def test_anchors_and_merges_as_people_write_them_are_followed() -> None:
    text = "base: &base {tags: [PII]}\none: {<<: *base, otherwise: drop}\ntwo: *base\n"
    assert documents_of(text) == [
        {"base": {"tags": ["PII"]}, "one": {"tags": ["PII"], "otherwise": "drop"}, "two": {"tags": ["PII"]}}
    ]
    assert documents_of("") == []
    assert documents_of("a\n---\nb\n") == ["a", "b"]
