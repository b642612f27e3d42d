"""Salesforce, registry and Kafka in this process, to learn on and to test applications with."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from bridge.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    from bridge.sandbox.site import Sandbox


@frozen
class Practice:
    """A simulated org with the event ``Order_Placed__e``, a schema registry and Kafka, in this process. Made by
    ``practice``."""

    connector: dict[str, str]
    """The properties of a connector that carries the event; change a copy as you like."""
    worker: dict[str, str]
    """The properties of its worker."""
    describe: dict[str, object]
    """What the org's describe says of the event."""
    _sandbox: Sandbox = field(repr=False)

    def publish(self, payload: Mapping[str, object] | None = None, *, count: int = 1) -> list[int]:
        """Publish ``count`` events with these fields, or with sample orders; their replay ids."""
        org = self._sandbox.org
        assert org is not None
        name = str(self.describe["name"])
        return org.publish_many(name, count if payload is None else [payload] * count)


@contextmanager
def practice(*, format: str = "AVRO", encrypt: bool = False) -> Iterator[Practice]:
    """All of it, up until the end of the block; listens on free ports of 127.0.0.1.

    ``format``: the connector's ``output.data.format``. ``encrypt``: one field is encrypted, with a key of its own.
    The in-process Kafka has transactions that it does not keep, so the connector is at-least-once here.
    """
    # here: who uses real systems does not load the simulated ones
    from bridge.config.declarations.formats import NAMES
    from bridge.sandbox import samples
    from bridge.sandbox.site import Sandbox

    if format not in NAMES:
        raise ConfigurationError([Fault("format", f"must be one of {', '.join(NAMES)}", format)])
    with (
        tempfile.TemporaryDirectory(prefix="sfbridge-") as directory,
        Sandbox(Path(directory)) as sandbox,
    ):
        sandbox.write_files(format, encrypt=encrypt)
        connector = json.loads(sandbox.connector_file.read_text())["config"]
        lines = sandbox.worker_file.read_text().splitlines()
        worker = dict(line.split("=", 1) for line in lines)
        yield Practice(connector, worker, samples.ORDER_PLACED.describe("/services/data/v64.0"), sandbox)
