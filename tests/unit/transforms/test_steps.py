"""What validation tells of transforms and predicates, and how it shows values: as Kafka Connect 4.3.1 answered."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.inspection.configuration import config_infos
from bridge.transforms.own import transform_names
from bridge.transforms.predicates import PREDICATES
from tests.support.memory_worker import GOOD

HOIST = "org.apache.kafka.connect.transforms.HoistField$Value"
MATCHES = "org.apache.kafka.connect.transforms.predicates.TopicNameMatches"
CHAIN = {
    "transforms": "a, b",
    "transforms.a.type": HOIST,
    "transforms.a.field": "x",
    "transforms.b.type": "org.apache.kafka.connect.transforms.Filter",
    "transforms.b.predicate": "p",
    "predicates": "p",
    "predicates.p.type": MATCHES,
    "predicates.p.pattern": "x.*",
}
# name, type, required, default, importance, group, order, width, display name: Kafka Connect's, to the letter
CONNECT = [
    (
        "transforms.a.type",
        "CLASS",
        True,
        None,
        "HIGH",
        "Transforms: a",
        0,
        "LONG",
        "Transformation type for a",
    ),
    ("transforms.a.field", "STRING", True, None, "MEDIUM", "Transforms: a", 2, "NONE", "field"),
    ("transforms.a.negate", "BOOLEAN", False, "false", "MEDIUM", "Transforms: a", 3, "NONE", "negate"),
    ("transforms.a.predicate", "STRING", False, None, "MEDIUM", "Transforms: a", 4, "NONE", "predicate"),
    (
        "transforms.b.type",
        "CLASS",
        True,
        None,
        "HIGH",
        "Transforms: b",
        0,
        "LONG",
        "Transformation type for b",
    ),
    ("transforms.b.negate", "BOOLEAN", False, "false", "MEDIUM", "Transforms: b", 2, "NONE", "negate"),
    ("transforms.b.predicate", "STRING", False, None, "MEDIUM", "Transforms: b", 3, "NONE", "predicate"),
    ("predicates.p.type", "CLASS", True, None, "HIGH", "Predicates: p", 0, "LONG", "Predicate type for p"),
    ("predicates.p.pattern", "STRING", True, None, "MEDIUM", "Predicates: p", 2, "NONE", "pattern"),
]


def told(given: dict[str, str]) -> dict[str, Any]:
    infos = config_infos({**GOOD, **given}, environ={}, unknown="warn")
    assert infos["error_count"] == sum(len(one["value"]["errors"]) for one in infos["configs"])
    return {one["definition"]["name"]: one for one in infos["configs"]}


def values(given: dict[str, str], *keys: str) -> list[str | None]:
    infos = told(given)
    return [infos[key]["value"]["value"] for key in keys]


def test_every_setting_of_a_step_is_told_as_kafka_connect_tells_it() -> None:
    infos = told(CHAIN)
    steps = [
        one for name, one in infos.items()
        if name.startswith(("transforms.", "predicates.")) and not name.endswith(".plugin.version")
    ]  # fmt: skip
    parts = ("name", "type", "required", "default_value", "importance", "group", "order_in_group", "width",
             "display_name")  # fmt: skip
    assert [tuple(one["definition"][part] for part in parts) for one in steps] == CONNECT
    assert all(one["definition"]["documentation"] and not one["value"]["errors"] for one in steps)
    assert values(CHAIN, "transforms.a.field", "transforms.a.negate", "transforms.b.predicate") == [
        "x",
        "false",
        "p",
    ]
    assert set(infos["transforms.a.type"]["value"]["recommended_values"]) == set(transform_names())
    assert set(infos["predicates.p.type"]["value"]["recommended_values"]) == set(PREDICATES)


def test_the_groups_of_steps_are_among_the_groups() -> None:
    infos = config_infos({**GOOD, **CHAIN}, environ={})
    assert infos["groups"][-3:] == ["Transforms: a", "Transforms: b", "Predicates: p"]


def test_a_required_setting_that_was_not_sent_has_a_field_of_its_type() -> None:
    given = {"transforms": "c", "transforms.c.type": "org.apache.kafka.connect.transforms.Cast$Value"}
    spec = told(given)["transforms.c.spec"]
    assert (spec["definition"]["type"], spec["definition"]["required"]) == ("LIST", True)
    assert spec["value"]["value"] is None
    assert "Missing required configuration" in spec["value"]["errors"][0]


@pytest.mark.parametrize("given", [{}, {"transforms.a.type": "no.such"}])
def test_a_step_without_a_class_has_the_field_for_one(given: dict[str, str]) -> None:
    infos = told({"transforms": "a", **given})
    steps = [name for name in infos if name.startswith("transforms.")]
    assert steps == ["transforms.a.type", "transforms.a.plugin.version"]
    one = infos["transforms.a.type"]
    assert (one["value"]["value"], one["definition"]["required"]) == (None, True)
    assert len(one["value"]["errors"]) == 1
    assert HOIST in one["value"]["recommended_values"]


def test_a_flood_of_aliases_is_not_described() -> None:
    infos = told({"transforms": ",".join(f"a{number}" for number in range(2_000))})
    assert sum(name.endswith(".plugin.version") and name.startswith("transforms.") for name in infos) == 100


def test_the_version_of_a_plug_in_is_taken() -> None:
    infos = config_infos({**GOOD, **CHAIN, "transforms.a.plugin.version": "4.3.1"}, environ={})
    assert infos["error_count"] == 0


def test_settings_that_no_step_has_are_told_apart() -> None:
    infos = told({**CHAIN, "transforms.a.odd": "1"})
    assert infos["transforms.a.odd"]["definition"]["group"] == "Transforms"


def test_values_are_shown_as_they_are_read() -> None:
    given = {
        "tasks.max": "+01",
        "errors.log.enable": " TRUE ",
        "errors.tolerance": " none ",
        "kafka.topic": " t ",
        "connection.timeout": " 007 ",
        "transforms": " a , b ",
        "transforms.a.negate": " False ",
        "exactly.once.support": " Required ",
    }
    shown = values({**CHAIN, **given}, *given)
    assert shown == ["1", "true", "none", "t", "7", "a,b", "false", "Required"]


def test_a_short_name_of_a_class_is_shown_as_the_class() -> None:
    assert values({"value.converter": "JsonConverter"}, "value.converter") == [
        "org.apache.kafka.connect.json.JsonConverter"
    ]


def test_what_cannot_be_read_has_no_value() -> None:
    given = {"tasks.max": "x", "errors.log.enable": "maybe", "key.converter": "no.Such"}
    assert values(given, *given) == [None, None, None]
    assert values({"tasks.max": "2", "errors.tolerance": "some"}, "tasks.max", "errors.tolerance") == [
        "2",
        "some",
    ]
    assert values({"kafka.dedicated": "perhaps"}, "kafka.dedicated") == ["perhaps"], "which nobody judges"


def test_references_and_masks_are_shown_as_they_were_given() -> None:
    infos = config_infos(
        {**GOOD, "connection.timeout": "${env:TIMEOUT}", "salesforce.password": "${env:PW}"}, environ={}
    )
    shown = {one["value"]["name"]: one["value"]["value"] for one in infos["configs"]}
    assert (shown["connection.timeout"], shown["salesforce.password"]) == ("${env:TIMEOUT}", "${env:PW}")
    assert shown["salesforce.consumer.secret"] == "*" * 16
