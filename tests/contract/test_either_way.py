"""What is looked at beside a run is the same by whatever transport: preview, generated schemas, a replay id that is
tried, custom channels, transforms."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.main import main
from bridge.config.declarations.transports import TRANSPORTS
from bridge.errors import Fatal
from bridge.event import Record
from bridge.routing.resolver import Writers
from bridge.routing.routes import Unprepared
from bridge.salesforce.auth import Login
from bridge.salesforce.transport import open_rest
from bridge.sandbox import samples
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from bridge.worker.probe import try_replay_id
from tests.contract.test_sources import Rig
from tests.support.bridge_run import EVENT, wait_until
from tests.support.encryption import loaded

NAMES = [event.name for event in samples.EVENTS]


def by_each(org: Org, what: Any) -> list[Any]:
    """What ``what`` gives for a rig of each transport."""
    return [what(Rig(org, api)) for api in TRANSPORTS]


def file_of(rig: Rig, folder: Path) -> Path:
    path = folder / f"{rig.api}.json"
    path.write_text(json.dumps(dict(rig.config().raw())))
    return path


def test_a_preview(org: Org, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    org.publish_many(EVENT, 3)

    def previewed(rig: Rig) -> str:
        found = ["preview", str(file_of(rig, tmp_path)), "--start", "all", "--max-events", "3", "-o", "json"]
        assert main(found) == 0
        return capsys.readouterr().out

    streaming, pubsub = by_each(org, previewed)
    assert streaming == pubsub
    assert len(json.loads(streaming)) == 3


def test_generated_schemas(org: Org, tmp_path: Path) -> None:
    def generated(rig: Rig) -> dict[str, bytes]:
        out = tmp_path / f"{rig.api}-out"
        asked = ["schemas", "generate", "--connector", str(file_of(rig, tmp_path)), "--format", "all"]
        assert main([*asked, "--out", str(out)]) == 0
        return {path.name: path.read_bytes() for path in out.iterdir()}

    streaming, pubsub = by_each(org, generated)
    assert streaming == pubsub
    assert f"{EVENT}.avsc" in streaming


def test_a_replay_id_that_is_tried(org: Org) -> None:
    (known, *_) = org.publish_many(EVENT, 2)

    def tried(rig: Rig) -> None:
        given = loaded("http://localhost:1")
        try_replay_id(type(given)(rig.config(), given.worker), known)

    by_each(org, tried)
    org.expire(time.time() + 1)
    for api in TRANSPORTS:
        with pytest.raises(Fatal, match=f"replay id {known} was tried and the position not moved"):
            tried(Rig(org, api))


CHANNEL = {
    "salesforce.platform.event.name": "",
    "salesforce.platform.subscription.type": "CUSTOM_CHANNEL",
    "salesforce.platform.custom.channel.name": "Sales__chn",
    "salesforce.platform.channel.entities": ",".join(NAMES),
}
CHAIN = {
    "transforms": "add,name,route",
    "transforms.add.type": "org.apache.kafka.connect.transforms.InsertField$Value",
    "transforms.add.static.field": "origin",
    "transforms.add.static.value": "crm",
    "transforms.name.type": "org.apache.kafka.connect.transforms.ReplaceField$Value",
    "transforms.name.renames": "Amount__c:amount",
    "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
    "transforms.route.regex": "(.*)",
    "transforms.route.replacement": "routed-$1",
}


@pytest.mark.parametrize("form", ["JSON", "AVRO"])
@pytest.mark.parametrize("given", [CHANNEL, CHAIN], ids=["custom channel", "transforms"])
def test_records(org: Org, registry: Registry, form: str, given: Mapping[str, str]) -> None:
    org.define_channel("Sales__chn", NAMES)
    for _ in range(3):
        for name in NAMES:
            org.publish_many(name, 2)
    count = 6 * (len(NAMES) if given is CHANNEL else 1)

    def records(rig: Rig) -> list[tuple[Any, ...]]:
        rig.settings |= given
        config = rig.config()
        with rig.run() as run:
            wait_until(lambda: len(run.ids) == count or run.ended, 30)
        assert run.failure is None, run.failure
        topic = {"kafka.topic": "t-${_ObjectType}"} if given is CHANNEL else {"kafka.topic": "t"}
        settings = {**given, **topic, "output.data.format": form, "csfle.enabled": "false"}
        more = {key.replace(".", "__"): value for key, value in settings.items()}
        writers = Writers(loaded(registry.url, **more), open_rest(config, Login(config)))
        return [_record(writers, message) for message in run.messages]

    streaming, pubsub = by_each(org, records)
    assert streaming == pubsub
    assert len(streaming) == count
    assert len({topic for topic, *_ in streaming}) == (len(NAMES) if given is CHANNEL else 1)


def _record(writers: Writers, message: Any) -> tuple[Any, ...]:
    route = writers.resolve(message.data.schema, message.data, message.channel)
    if route.record is None:
        return route.topic, route.convert(message.data)
    record = _prepared(route.record, message.data)
    return record.topic, record.value, record.key, record.headers, record.timestamp


def _prepared(record: Any, data: Any) -> Record:
    try:
        made: Record = record(data)
    except Unprepared as target:
        target.prepare()
        made = record(data)
    return made
