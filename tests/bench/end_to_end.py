"""The bridge itself: ``sfbridge run`` in a process of its own, with files as a user would write them."""

from __future__ import annotations

import json
import re
import sys
import urllib.request
from pathlib import Path

from attrs import frozen

from tests.bench.harness import Origin, Topic
from tests.support.kafka_client import unique


@frozen
class Variant:
    """One way to run the bridge. ``properties`` are added to the connector's."""

    name: str
    form: str = "JSON"
    exactly_once: bool = True
    encrypted: bool = False
    properties: tuple[tuple[str, str], ...] = ()


def command(
    variant: Variant, source: Origin, topic: Topic, folder: Path, registry: str | None = None
) -> list[str]:
    """Write connector and worker file; the command that runs them."""
    name = unique("bench")
    connector = {
        "name": name,
        "connector.class": "SalesforcePlatformEventSource",
        "kafka.topic": topic.name,
        "salesforce.grant.type": "PASSWORD",
        "salesforce.instance": source.url,
        "salesforce.username": source.username,
        "salesforce.password": source.password,
        "salesforce.password.token": source.token,
        "salesforce.consumer.key": source.key,
        "salesforce.consumer.secret": source.secret,
        "salesforce.platform.event.name": source.event,
        "salesforce.initial.start": "all",
        "bridge.salesforce.ca.file": source.ca_file,
        "output.data.format": variant.form,
        "tasks.max": "1",
        **_by_pubsub(source),
        **dict(variant.properties),
    }
    worker = {
        "bootstrap.servers": topic.broker.bootstrap,
        "security.protocol": "PLAINTEXT",
        "group.id": name,
        "offset.storage.topic": f"{name}-offsets",
        "offset.storage.replication.factor": "1",
        "offset.storage.partitions": "1",
        "exactly.once.source.support": "enabled" if variant.exactly_once else "disabled",
    }
    if registry:
        worker["schema.registry.url"] = registry
    files = folder / f"{name}.json", folder / f"{name}.properties"
    files[0].write_text(json.dumps(connector, indent=2))
    files[1].write_text("".join(f"{key}={value}\n" for key, value in worker.items()))
    return [sys.executable, "-m", "bridge", "run", str(files[0]), "--worker", str(files[1])]


def _by_pubsub(source: Origin) -> dict[str, str]:
    if not source.pubsub:
        return {}
    return {"bridge.salesforce.api": "pubsub", "bridge.pubsub.endpoint": source.pubsub}


class LeftTheQuickWay(SystemExit):
    """Events of the benchmark were left to the complete, slow way: what is measured is not what is promised."""


def left_to_the_careful_way(metrics_port: int) -> dict[str, int]:
    """How many values of the running bridge had no quick way, by reason."""
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics_port}/metrics") as answer:
        text: str = answer.read().decode()
    found = re.findall(r'^sfbridge_careful_conversions_total\{reason="([^"]*)"\} (\d+)', text, re.MULTILINE)
    return {reason: int(count) for reason, count in found}
