"""A connector in one row: what it carries where, how it is, and why, from what this process knows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final, TypedDict

from attrs import define, field, frozen

from bridge.config import Config
from bridge.config.formats import format_word
from bridge.config.subscription import CHANNEL, ENTITIES, EVENT, is_channel
from bridge.errors import BridgeError, Retriable
from bridge.history import Sampler
from bridge.log import masked
from bridge.metrics import RETENTION, Metrics, Stats
from bridge.worker.places import Place
from bridge.worker.state import State, Status

CONDITIONS: Final = (
    "failed", "unknown", "restarting", "behind", "provisioning", "running", "idle", "paused", "stopped",
)  # fmt: skip
"""What a connector is like, the gravest first."""
CLOUD_STATES: Final = {"STOPPED": "PAUSED", "UNASSIGNED": "PROVISIONING", "RESTARTING": "PROVISIONING"}
_BEHIND: Final = 60.0  # seconds
_IDLE: Final = 300.0
_LONGEST: Final = 400


class Row(TypedDict):
    """See ``bridge/api/v1/connectors.py`` for what each of them means."""

    name: str
    event: str
    channel: str | None
    topic: str
    format: str
    state: str
    connect_state: str
    condition: str
    reason: str | None
    whose: str | None
    stage: str | None
    target: str
    worker: str | None
    answered: bool
    seen_at: int | None
    running_since: int | None
    rate: float | None
    lag: float | None
    last_event_at: int | None
    last_commit_at: int | None
    replay_id: int | None
    window_hours_left: float | None
    delivered: int | None
    errors: int | None
    dead_letters: int | None
    protected_fields: int | None


def cloud_state(state: str) -> str:
    """The cloud's word for a state of Kafka Connect; there is no stop."""
    return CLOUD_STATES.get(state, state)


@frozen
class _Fixed:
    """What only the configuration says."""

    event: str
    channel: str | None
    topic: str
    format: str


@define(eq=False)
class Glances:
    """Rows of all connectors of a group, as far as this process knows them."""

    worker_id: str
    config: Config
    state: State
    metrics: Metrics
    sampler: Sampler
    _fixed: dict[str, tuple[int, _Fixed]] = field(factory=dict)

    def row(self, name: str, error: BridgeError | None = None, now: float | None = None) -> Row | None:
        """The row of one; None where there is no such connector. ``error``: why it has failed in this process."""
        now = time.time() if now is None else now
        with self.state.changed:
            config = self.state.configs.get(name)
            if config is None:
                return None
            owner = self.state.assignment.owner(name)
            said = self.state.connectors.get(name) or Status("UNASSIGNED", "")
            task = self.state.tasks.get(name)
            revision = self.state.revisions.get(name, -1)
            target = self.state.target_of(name)
            told = Place.said(self.state, name)
        fixed = self._fixed_of(name, revision, config)
        mine = owner == self.worker_id
        stats = self.metrics.of(name) if mine else None
        place = Place.of(stats) or told
        worst = _worst(said, task)
        trace = (task.trace if task is not None and task.state == "FAILED" else None) or said.trace
        row: Row = {
            "name": name,
            "event": fixed.event,
            "channel": fixed.channel,
            "topic": fixed.topic,
            "format": fixed.format,
            "state": cloud_state(worst),
            "connect_state": worst,
            "condition": "",
            "reason": _sentence(trace),
            "whose": _whose(worst, error, trace),
            "stage": None if error is None else str(error.stage),
            "target": target,
            "worker": owner,
            "answered": mine,
            "seen_at": int(now * 1000) if mine else None,
            "running_since": None,
            "rate": None,
            "lag": None,
            "last_event_at": None if place is None else place.created_ms,
            "last_commit_at": None if place is None else place.committed_ms,
            "replay_id": None if place is None else place.replay_id,
            "window_hours_left": _window(place, now),
            "delivered": None,
            "errors": None,
            "dead_letters": None,
            "protected_fields": _protected(task),
        }
        if stats is not None:
            self._live(row, stats, now)
        row["condition"] = _condition(row, now, 0 if stats is None else stats.buffered())
        return row

    def spark(self, name: str) -> list[float]:
        """Events a second of the last 15 minutes, of 15 s each; fewer where less is known."""
        history = self.sampler.of(name)
        return [] if history is None else list(history.spark)

    def _live(self, row: Row, stats: Stats, now: float) -> None:
        history = self.sampler.of(stats.connector)
        rate = None if history is None else history.rate
        lag = stats.lag_seconds(now)
        if history is not None and history.starts:
            row["running_since"] = int(history.starts[-1] * 1000)
        row["rate"] = None if rate is None else round(rate, 2)
        row["lag"] = None if lag is None else round(lag, 1)
        row["delivered"] = stats.events_delivered
        row["errors"] = stats.bad_records + stats.receive_errors + stats.restarts
        row["dead_letters"] = stats.dead_letters
        if stats.protected_fields or row["protected_fields"] is None:
            row["protected_fields"] = stats.protected_fields

    def _fixed_of(self, name: str, revision: int, config: Mapping[str, str]) -> _Fixed:
        known = self._fixed.get(name)
        if known is None or known[0] != revision:
            if len(self._fixed) > len(self.state.configs):  # some are of connectors that are gone
                self._fixed = {
                    one: self._fixed[one] for one in list(self.state.configs) if one in self._fixed
                }
            known = self._fixed[name] = (revision, _fixed(config, self.config))
        return known[1]


def _fixed(config: Mapping[str, str], worker: Config) -> _Fixed:
    channel = config.get(CHANNEL, "").strip() if is_channel(config) else None
    event = config.get(EVENT, "").strip()
    if channel is not None:
        event = ", ".join(part.strip() for part in config.get(ENTITIES, "").split(",") if part.strip())
    topic = config.get("kafka.topic", "").strip()
    if "${" not in topic and config.get("kafka.topic.lowercase", "true").strip().lower() != "false":
        topic = topic.lower()
    return _Fixed(event, channel, topic, format_word(config, worker))


def _worst(said: Status, task: Status | None) -> str:
    """Connector and task in one word: a failed task is a failed connector."""
    return "FAILED" if task is not None and task.state == "FAILED" else said.state


def _sentence(trace: str | None) -> str | None:
    if not trace:
        return None
    first = masked(trace).strip().partition("\n")[0]
    return first if len(first) <= _LONGEST else f"{first[: _LONGEST - 1]}…"


def _whose(state: str, error: BridgeError | None, trace: str | None) -> str | None:
    """Who can mend it: ``yours`` (configuration, rights), ``theirs`` (Salesforce, Kafka), ``bridge`` (a bug)."""
    if state == "RESTARTING":
        return "theirs"
    if state != "FAILED":
        return None
    if (trace or "").startswith("unexpected "):
        return "bridge"
    return "theirs" if isinstance(error, Retriable) else "yours"


def _window(place: Place | None, now: float) -> float | None:
    """Hours until Salesforce no longer has what comes after the position."""
    if place is None or place.created_ms is None:
        return None
    return round(max(0.0, RETENTION - (now - place.created_ms / 1000)) / 3600, 1)


def _protected(task: Status | None) -> int | None:
    if task is None or task.sealed is None:
        return None
    return sum(_count(entry) for entry in task.sealed)


def _count(entry: Mapping[str, object]) -> int:
    sealed = entry.get("sealed")
    return (len(sealed) if isinstance(sealed, Sequence) else 0) + bool(entry.get("payload"))


def _condition(row: Row, now: float, waiting: int) -> str:
    state = row["connect_state"]
    if state in ("FAILED", "PAUSED", "STOPPED", "RESTARTING"):
        return state.lower()
    if state != "RUNNING":
        return "provisioning"
    if not row["answered"]:
        return "unknown"
    if (row["lag"] or 0.0) > _BEHIND and (row["rate"] or waiting):  # else the last event was simply old
        return "behind"
    last = row["last_event_at"]
    quiet = not row["rate"] and (last is None or now - last / 1000 > _IDLE)
    return "idle" if quiet else "running"
