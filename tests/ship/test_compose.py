"""The compose file: the specification's schema takes it, its files are there, its settings and connectors are valid."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import requests
import yaml
from jsonschema.validators import validator_for

from bridge.api.build import Service
from bridge.config import load_worker
from bridge.inspection.configuration import config_infos
from tests.ship.source import ROOT
from tests.ship.tools import compose_schema
from tests.support.kafka_broker import Broker
from tests.support.ports import free_ports

FOLDER = ROOT / "deploy" / "compose"


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    return document


@pytest.mark.ship
def test_the_specification_takes_the_file() -> None:
    schema = compose_schema()
    faults = [error.message for error in validator_for(schema)(schema).iter_errors(compose())]
    assert faults == []


def test_files_and_volumes_that_it_names_are_there() -> None:
    document = compose()
    for name, service in document["services"].items():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            there = (FOLDER / source).exists() if source.startswith(".") else source in document["volumes"]
            assert there, f"{name}: {volume}"
        ports = [port for port in service.get("ports", ()) if not port.startswith("127.0.0.1:")]
        assert not ports, f"{name} is reachable by others"


def test_workers_would_take_their_settings() -> None:
    for name in ("worker-1", "worker-2"):
        environment = compose()["services"][name]["environment"]
        config = load_worker(None, environ=environment)
        assert config["group.id"] == "compose"
        assert config["bridge.rest.allow.anonymous"] is True


def test_a_worker_would_take_the_connector() -> None:
    given = json.loads((FOLDER / "connectors" / "orders.json").read_text())
    worker = load_worker(None, environ=compose()["services"]["worker-1"]["environment"])
    infos = config_infos(given, worker)
    faults = {one["value"]["name"] for one in infos["configs"] if one["value"]["errors"]}
    assert faults <= {"bridge.salesforce.ca.file"}  # it is there once the org runs


def printed() -> dict[int, str]:
    """Port → path of each address that the file's head tells its reader to open."""
    head = (FOLDER / "compose.yaml").read_text().partition("\nname:")[0]
    return {int(port): path for port, path in re.findall(r"http://127\.0\.0\.1:(\d+)(\S*)", head)}


def test_every_address_that_is_printed_is_published() -> None:
    services = compose()["services"].values()
    published = {port for service in services for port in service.get("ports", ())}
    assert {f"127.0.0.1:{port}:{port}" for port in printed()} <= published
    assert len(printed()) == 4


@pytest.mark.parametrize("name", ["worker-1", "worker-2"])
def test_the_address_of_a_worker_answers_with_its_settings(name: str, broker: Broker) -> None:
    """With exactly its environment; other ports and another broker, because both are taken or not here."""
    environment = compose()["services"][name]["environment"]
    (port,) = (port for port in printed() if environment["CONNECT_LISTENERS"] == f"http://0.0.0.0:{port}")
    here = free_ports(["rest"])["rest"]
    moved = {key: value.replace(str(port), str(here)) for key, value in environment.items()}
    service = Service(load_worker(None, environ=moved | {"CONNECT_BOOTSTRAP_SERVERS": broker.bootstrap}))
    service.start()
    try:
        answer = requests.get(f"http://127.0.0.1:{here}{printed()[port]}", timeout=30)
        assert (answer.status_code, "<html" in answer.text) == (200, True)
    finally:
        service.stop()
