"""Our verdicts on Avro schemas against Apache Avro's own, over random pairs."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from bridge.languages.compatibility import Source
from bridge.languages.compatibility.avro import judge
from bridge.languages.compatibility.avro_schema import InvalidAvro, load
from tests.support.avro_judge import verdicts

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
PAIRS = 2000


class Schemas:
    """Random schemas, few names among them, so that pairs often have something in common."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def pair(self) -> tuple[object, object]:
        """A reader and a writer."""
        reader = self._record(3, [])
        return reader, reader if self._random.random() < 0.1 else self._record(3, [])

    def _type(self, depth: int, names: list[str]) -> Any:
        r = self._random
        if depth <= 0 or r.random() < 0.5:
            return r.choice(names if names and r.random() < 0.2 else PRIMITIVES)
        match r.randrange(6):
            case 0:
                branches = [self._type(depth - 1, names) for _ in range(r.randint(1, 3))]
                return [branch for branch in branches if not isinstance(branch, list)] or ["null"]
            case 1:
                return {"type": "array", "items": self._type(depth - 1, names)}
            case 2:
                return {"type": "map", "values": self._type(depth - 1, names)}
            case 3:
                made: dict[str, Any] = {"type": "enum", "name": r.choice("EF"), "symbols": self._some("ABC")}
                if r.random() < 0.3:
                    made["default"] = r.choice("AB")
                names.append(made["name"])
                return made
            case 4:
                made = {"type": "fixed", "name": r.choice("XY"), "size": r.choice((4, 8))}
                names.append(made["name"])
                return made
        return self._record(depth - 1, names)

    def _record(self, depth: int, names: list[str]) -> dict[str, Any]:
        r = self._random
        made: dict[str, Any] = {"type": "record", "name": r.choice(("R", "R", "S", "a.R", "a..b.R", "a."))}
        if r.random() < 0.2:
            made["namespace"] = r.choice(("n", "n.m", "a..b", ""))
        if r.random() < 0.3:
            made["aliases"] = [r.choice(("R", "S", "n.R", "a.R"))]
        names.append(made["name"])
        made["fields"] = [self._field(name, depth, names) for name in self._some("abc", least=0)]
        return made

    def _field(self, name: str, depth: int, names: list[str]) -> dict[str, Any]:
        made: dict[str, Any] = {"name": name, "type": self._type(depth, names)}
        if self._random.random() < 0.3:
            made["aliases"] = self._some("abcd")
        if self._random.random() < 0.4:
            made["default"] = self._random.choice((None, 0, 1.5, "x", True, {}, [], ""))
        return made

    def _some(self, letters: str, *, least: int = 1) -> list[str]:
        return self._random.sample(letters, self._random.randint(least, len(letters)))


def ours(reader: object, writer: object) -> str:
    sources = [Source("AVRO", json.dumps(document)) for document in (reader, writer)]
    try:
        for source in sources:
            load(source)
    except InvalidAvro:
        return "invalid"
    return "false" if judge(sources[0], sources[1], "new", "old", False) else "true"


def test_every_verdict_is_avros() -> None:
    schemas = Schemas(20)
    pairs = [schemas.pair() for _ in range(PAIRS)]
    theirs = ["false" if verdict == "error" else verdict for verdict in verdicts(pairs)]
    assert len(theirs) == PAIRS
    assert min(theirs.count(verdict) for verdict in ("true", "false", "invalid")) > 50
    differ = [(ours(*pair), verdict, *pair) for pair, verdict in zip(pairs, theirs, strict=True)]
    assert [each for each in differ if each[0] != each[1]] == []


def test_a_field_that_is_met_twice_is_an_error_in_avro() -> None:
    writer = {"type": "record", "name": "R", "fields": [{"name": n, "type": "int"} for n in "ab"]}
    reader = json.loads(json.dumps(writer))
    reader["fields"][1]["aliases"] = ["a"]
    (problem,) = judge(
        Source("AVRO", json.dumps(reader)), Source("AVRO", json.dumps(writer)), "new", "old", False
    )
    assert "Reader record field b type:INT pos:1 matches multiple fields" in problem


@pytest.mark.parametrize("name", ["a..b.R", ".R.", "a.", "a.1.R"])
def test_an_empty_or_wrong_part_of_a_name_is_invalid(name: str) -> None:
    with pytest.raises(InvalidAvro):
        load(Source("AVRO", json.dumps({"type": "record", "name": name, "fields": []})))
