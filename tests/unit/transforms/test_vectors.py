"""Every recorded outcome of Kafka Connect's own transforms, and its declarations."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.model.schema import UNSET
from bridge.transforms.predicates import PREDICATES
from bridge.transforms.spec import Spec
from bridge.transforms.table import TRANSFORMS
from tests.vectors.smt import check

FILES = Path(__file__).parents[2] / "vectors" / "smt"
DECLARED: dict[str, Any] = json.loads((FILES / "configdefs.json").read_text())["classes"]


def test_like_kafka_connect() -> None:
    outcomes = list(check(FILES / "vectors.jsonl"))
    assert len(outcomes) == 1181  # 1184, and three of sink records
    assert [(name, difference) for name, difference in outcomes if difference is not None] == []


def test_like_kafka_connect_where_a_fuzz_found_differences() -> None:
    outcomes = list(check(FILES / "fuzzed.jsonl"))
    assert len(outcomes) > 100
    unlike = {name: difference for name, difference in outcomes if difference is not None}
    assert sorted(unlike) == ["java-17-digits/Cast.Value.v6-0", "java-17-digits/Cast.Value.v6-1"]


def spec_of(name: str) -> Spec:
    return PREDICATES[name][0] if name in PREDICATES else TRANSFORMS[name].spec


@pytest.mark.parametrize("name", DECLARED)
def test_the_declarations_are_kafka_connects(name: str) -> None:
    ours = [
        (key.name, key.type.upper(), key.default is UNSET, key.importance.upper())
        for key in spec_of(name).keys
    ]
    theirs = [(k["name"], k["type"], k["required"], k["importance"]) for k in DECLARED[name]["keys"]]
    assert ours == theirs
    defaults = {key.name: key.default for key in spec_of(name).keys if key.default is not UNSET}
    assert defaults == {k["name"]: k["default"] for k in DECLARED[name]["keys"] if not k["required"]}
