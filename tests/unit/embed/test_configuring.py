from __future__ import annotations

import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from bridge import embed
from bridge.embed.configuring import loaded_of


def faults_of(connector: Any, worker: Any, **options: Any) -> dict[str, str]:
    return {fault.key: fault.message for fault in embed.validate(connector, worker, **options)}


def test_properties_at_hand_and_files_are_the_same_configuration(
    play: embed.Practice, tmp_path: Path
) -> None:
    connector, worker = tmp_path / "connector.json", tmp_path / "worker.properties"
    connector.write_text(json.dumps({"name": "orders", "config": {**play.connector, "name": "orders"}}))
    worker.write_text("".join(f"{key}={value}\n" for key, value in play.worker.items()))
    of_files = embed.configuration(connector, str(worker), environ={})
    at_hand = embed.configuration({**play.connector, "name": "orders"}, play.worker, environ={})
    wrapped = embed.configuration(
        {"name": "orders", "config": {**play.connector, "name": "orders"}},
        play.worker,
        environ={},
    )
    assert of_files.name == at_hand.name == wrapped.name == "orders"
    assert (
        dict(loaded_of(of_files).connector)
        == dict(loaded_of(at_hand).connector)
        == dict(loaded_of(wrapped).connector)
    )
    assert dict(loaded_of(of_files).worker) == dict(loaded_of(at_hand).worker)


def test_every_fault_is_named_by_its_property(play: embed.Practice) -> None:
    connector = {**play.connector, "tasks.max": "2", "salesforce.initial.strat": "all"}
    worker = {**play.worker, "session.timeout.ms": "soon"}
    faults = faults_of(connector, worker, environ={})
    assert set(faults) == {"tasks.max", "salesforce.initial.strat", "session.timeout.ms"}
    assert "salesforce.initial.start" in faults["salesforce.initial.strat"]
    assert faults["session.timeout.ms"].endswith("(in the worker's properties)")
    with pytest.raises(embed.ConfigurationError) as caught:
        embed.configuration(connector, worker, environ={})
    assert {fault.key for fault in caught.value.faults} == set(faults)


@pytest.mark.parametrize(
    ("value", "kind"), [(["a"], "list"), ({"a": 1}, "dict"), (b"1", "bytes"), (object(), "object")]
)
def test_a_value_of_a_wrong_type_is_named_by_its_property(
    play: embed.Practice, value: object, kind: str
) -> None:
    faults = faults_of({**play.connector, "tasks.max": value}, play.worker, environ={})
    assert faults == {"tasks.max": f"must be text, a number, a boolean or None, and is {kind}"}


def test_a_name_that_is_no_text_and_text_that_no_file_can_hold_are_faults(play: embed.Practice) -> None:
    faults = faults_of({**play.connector, 7: "x", "kafka.topic": "a\0"}, play.worker, environ={})
    assert set(faults) == {"7", "kafka.topic"}


def test_numbers_and_booleans_are_taken_as_json_spells_them(play: embed.Practice) -> None:
    connector = {**play.connector, "tasks.max": 1, "csfle.enabled": False, "schema.context.name": None}
    assert embed.validate(connector, play.worker, environ={}) == ()


def test_properties_beside_config_are_a_fault(play: embed.Practice) -> None:
    faults = faults_of({"config": play.connector, "tasks.max": "1"}, play.worker, environ={})
    assert faults == {
        "config": 'the configuration has "tasks.max" beside "config"; properties belong inside it'
    }


def test_without_a_worker_its_properties_are_variables(play: embed.Practice) -> None:
    given = {**play.worker, "bootstrap.servers": "127.0.0.1:1"}
    environ = {"CONNECT_" + key.upper().replace(".", "_"): text for key, text in given.items()}
    config = embed.configuration(play.connector, environ=environ)
    assert loaded_of(config).worker["bootstrap.servers"] == "127.0.0.1:1"


def test_a_file_that_is_not_there_is_a_fault(play: embed.Practice, tmp_path: Path) -> None:
    assert faults_of(tmp_path / "none.json", play.worker, environ={}) == {
        str(tmp_path / "none.json"): "does not exist"
    }


def test_references_mean_the_variables_that_are_given(play: embed.Practice) -> None:
    connector = {**play.connector, "salesforce.password": "${env:ORG_PASSWORD}"}
    assert "salesforce.password" in faults_of(connector, play.worker, environ={})
    config = embed.configuration(connector, play.worker, environ={"ORG_PASSWORD": "a-long-secret"})
    assert loaded_of(config).connector["salesforce.password"] == "a-long-secret"
    assert "a-long-secret" not in repr(config)


@pytest.mark.parametrize("name", ["bridge", "bridge.librdkafka", "bridge.waits"])
def test_secrets_are_masked_for_handlers_of_the_applications_own(
    play: embed.Practice, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = {**play.connector, "salesforce.password": "open-sesame-42"}
    embed.configuration(connector, play.worker, environ={})
    stream = io.StringIO()
    handler, logger = logging.StreamHandler(stream), logging.getLogger(name)
    monkeypatch.setattr(logger, "disabled", False)  # a command that ran in this process before may have
    logger.addHandler(handler)
    try:
        logger.error("said %s", "open-sesame-42")
        try:
            raise ValueError("open-sesame-42")
        except ValueError:
            logger.exception("raised")
    finally:
        logger.removeHandler(handler)
    assert "said" in stream.getvalue()
    assert "ValueError" in stream.getvalue()
    assert "open-sesame-42" not in stream.getvalue()
