"""``sfbridge offsets`` straight on the offsets topic, while nobody runs the connector."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bridge.errors import ConfigurationError, Fatal, Fault, Stage


def offsets_of(replay_id: int | None) -> list[dict[str, Any]]:
    """As the REST APIs show a position."""
    return [] if replay_id is None else [{"partition": {}, "offset": {"replayId": replay_id}}]


class Direct:
    """Operations on one connector's position; ``args.connector`` is a file."""

    def __init__(self, args: argparse.Namespace) -> None:
        from bridge import log
        from bridge.inspection.configuration import load
        from bridge.worker.positions import Positions

        path = Path(args.connector)
        if not path.exists():
            raise ConfigurationError(
                [Fault("CONNECTOR", f"{path} is no file; a name alone needs a worker that answers (--url)")]
            )
        self.loaded = load(path, args.worker)
        log.register_secrets(self.loaded.secrets())
        self.name = self.loaded.connector.name
        self._positions = Positions(self.loaded, _note)

    def kafka(self) -> dict[str, Any]:
        """Settings of a consumer, for reading another offsets topic of the same cluster."""
        from bridge.kafka.settings import consumer_settings

        return consumer_settings(self._positions.keyed)

    def get(self) -> dict[str, Any]:
        """The committed position."""
        position = self._positions.read()
        shown: dict[str, Any] = {"name": self.name, "offsets": offsets_of(position.stored)}
        if position.org_id:
            shown["org_id"] = position.org_id
        if position.created_ms is not None:
            shown["event_created_at"] = _time(position.created_ms)
        if position.committed_ms is not None and position.replay_id is not None:
            shown["committed_at"] = _time(position.committed_ms)
        shown["metadata"] = {"observed_at": datetime.now(UTC).isoformat().replace("+00:00", "Z")}
        return shown

    def status(self) -> dict[str, Any]:
        """Who holds the lease, and the position."""
        return {"run_by": self._positions.runner() or self._worker()} | self.get()

    def move(self, replay_id: int | None) -> dict[str, Any]:
        """Store another position. Raises Fatal while somebody runs the connector."""
        self.refuse_if_run()
        before = self._positions.write(replay_id)
        return {
            "name": self.name,
            "offsets": offsets_of(replay_id),
            "previous_offsets": offsets_of(before.replay_id),
        }

    def refuse_if_run(self) -> None:
        """Raises Fatal while somebody runs the connector."""
        runner = self._positions.runner()
        if runner is not None:
            raise Fatal(f"{self.name} is run by {runner}: stop that first", stage=Stage.POSITION)
        worker = self._worker()
        if worker is not None:
            raise Fatal(
                f"{self.name} belongs to a worker that is running ({worker}): give its REST API with --url",
                stage=Stage.POSITION,
            )

    def check(self, replay_id: int) -> None:
        """Try a subscription after the replay id. Raises Fatal if Salesforce does not know it any more."""
        from bridge.worker.probe import try_replay_id

        try_replay_id(self.loaded, replay_id)

    def _worker(self) -> str | None:
        return self._positions.worker()

    def close(self) -> None:
        """Delete keys that were made for this."""
        self._positions.close()


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")


def _note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)
