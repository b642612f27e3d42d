"""Answers of any shape: what the registry says is what it claims to be, or one sentence about what was asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bridge.encryption.dek_registry import DekRegistry
from bridge.encryption.envelope import Algorithm
from bridge.errors import Fatal
from bridge.registry.client import Registry

VERSION = {"subject": "orders-value", "version": 3, "id": 7, "schema": '"string"'}
KEK = {"name": "k", "kmsType": "local-kms", "kmsKeyId": "key"}
DEK = {
    "kekName": "k",
    "subject": "orders-value",
    "version": 1,
    "algorithm": "AES256_GCM",
    "encryptedKeyMaterial": "AAAA",
}
SHAPES: list[Any] = [None, True, 5, 1.5, "text", [], [1], ["a"], [None], {}, {"a": 1}, [{}], {"id": None}]
BROKEN = [
    *SHAPES,
    *(
        {**VERSION, key: value}
        for key, value in (
            ("subject", 5),
            ("subject", None),
            ("version", "3"),
            ("version", 2**40),
            ("id", -1),
            ("id", 2**31),
            ("id", 1.5),
            ("schema", {"type": "string"}),
            ("schemaType", 7),
            ("references", {}),
            ("references", ["a"]),
            ("references", [{"name": "a"}]),
            ("references", [{"name": "a", "subject": 1}]),
            ("metadata", []),
            ("metadata", {"tags": []}),
            ("metadata", {"tags": {"a": "PII"}}),
            ("metadata", {"properties": {"a": 1}}),
            ("ruleSet", []),
            ("ruleSet", {"domainRules": {}}),
            ("ruleSet", {"domainRules": ["a"]}),
            ("ruleSet", {"domainRules": [{"tags": "PII"}]}),
            ("ruleSet", {"domainRules": [{"params": {"a": 1}}]}),
            ("ruleSet", {"domainRules": [{"name": 5}]}),
            ("guid", 5),
        )
    ),
]


class Answering:
    """A registry that answers everything with one thing."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self.answer


@pytest.mark.parametrize("answer", BROKEN)
def test_an_answer_of_another_shape_is_one_sentence(answer: Any) -> None:
    registry = Registry(Answering(answer))  # type: ignore[arg-type]
    questions: list[Callable[[], Any]] = [
        lambda: registry.latest("orders-value"),
        lambda: registry.version("orders-value", 3),
        lambda: registry.versions("orders-value"),
        lambda: registry.by_id(7),
        lambda: registry.lookup("orders-value", "{}"),
        lambda: registry.register("orders-value", "{}"),
        lambda: registry.compatible("orders-value", "{}"),
        lambda: registry.config("orders-value"),
    ]
    refused = refusals(questions)
    assert len(refused) >= 4
    assert all("orders-value" in message or "schema 7" in message for message in refused)


@pytest.mark.parametrize(
    "answer",
    [
        *SHAPES,
        *(
            {**KEK, key: value}
            for key, value in (
                ("name", 5),
                ("kmsType", None),
                ("kmsKeyId", []),
                ("kmsProps", {"a": 1}),
                ("shared", "yes"),
            )
        ),
        *(
            {**DEK, key: value}
            for key, value in (
                ("version", "1"),
                ("algorithm", "ROT13"),
                ("encryptedKeyMaterial", "é"),
                ("keyMaterial", 5),
                ("ts", "now"),
            )
        ),
    ],
)
def test_a_key_of_another_shape_is_one_sentence(answer: Any) -> None:
    keys = DekRegistry(Answering(answer))
    questions: list[Callable[[], Any]] = [
        keys.keks,
        lambda: keys.kek("k"),
        lambda: keys.subjects("k"),
        lambda: keys.versions("k", "s", Algorithm.AES256_GCM),
        lambda: keys.dek("k", "s", Algorithm.AES256_GCM),
    ]
    assert refusals(questions) or answer in (None, [])


def refusals(questions: list[Callable[[], Any]]) -> list[str]:
    """The sentences of what was refused, each of one line."""
    messages = []
    for ask in questions:
        try:
            ask()
        except Fatal as error:
            messages.append(error.message)
    assert not any("\n" in message for message in messages)
    return messages


def test_references_in_a_circle_end() -> None:
    class Circle:
        asked = 0

        def call(self, method: str, path: str, body: Any = None) -> Any:
            self.asked += 1
            subject, other = ("a", "b") if "/a/" in path else ("b", "a")
            return {
                **VERSION,
                "subject": subject,
                "references": [{"name": other, "subject": other, "version": 3}],
            }

    circle = Circle()
    with pytest.raises(Fatal, match="in a circle"):
        Registry(circle).latest("a")  # type: ignore[arg-type]
    assert circle.asked < 10
