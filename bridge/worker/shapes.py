"""The shapes of the config and status topics' records, and the bounds of what they say; the rest is broken.

Any client may write there. ``documents.read`` takes a value in by one of these types, or says what is wrong with it.
Keys and meanings: ``worker/records.py``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from bridge.kafka.offsets import HIGHEST, LATEST_MS

MOST: int = 10**12
"""The highest epoch or generation that is believed at once; from there on each is one higher than the last."""
AHEAD: int = 1000
"""By how much the generation of a status may be ahead of the epoch: the two topics are read side by side."""

_Epoch = Annotated[int, msgspec.Meta(ge=0)]
_Name = Annotated[str, msgspec.Meta(min_length=1)]
_State = Literal["UNASSIGNED", "RUNNING", "PAUSED", "STOPPED", "FAILED", "RESTARTING", "DESTROYED"]
_Target = Literal["STARTED", "PAUSED", "STOPPED"]


class Configuration(msgspec.Struct):
    """``connector-N``."""

    properties: dict[str, str | int | float | bool | None]

    def texts(self) -> dict[str, str]:
        """As Kafka Connect keeps them: texts, and nothing for null."""
        return {
            name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
            for name, value in self.properties.items()
            if value is not None
        }


class Target(msgspec.Struct):
    """``target-state-N``. Old workers know no STOPPED, which is why there are two."""

    state: _Target
    newer: _Target | None = msgspec.field(default=None, name="state.v2")

    def wanted(self) -> str:
        """RUNNING, PAUSED or STOPPED."""
        state = self.newer or self.state
        return "RUNNING" if state == "STARTED" else state


class Restart(msgspec.Struct):
    """``restart-connector-N``."""

    include_tasks: bool = msgspec.field(default=False, name="include-tasks")
    only_failed: bool = msgspec.field(default=False, name="only-failed")


class Level(msgspec.Struct):
    """``logger-cluster-L``."""

    level: _Name


class Assigned(msgspec.Struct):
    """``bridge-assignment``: who runs what."""

    epoch: Annotated[int, msgspec.Meta(ge=1)]
    leader: str = ""
    workers: dict[str, list[str]] = {}
    since: Annotated[int, msgspec.Meta(ge=0)] = 0


class Owned(msgspec.Struct):
    """``bridge-owner-N``: who runs one connector, from that epoch on."""

    epoch: Annotated[int, msgspec.Meta(ge=1)]
    worker: _Name


class Wanted(msgspec.Struct):
    """One position of an offsets request."""

    partition: dict[str, Any]
    offset: dict[str, Any] | None = None


class Request(msgspec.Struct):
    """``bridge-offsets-request-N``."""

    id: _Name
    type: Literal["PATCH", "DELETE"]
    offsets: list[Wanted] = []
    requested_at: str = ""


class Outcome(msgspec.Struct):
    """``bridge-offsets-outcome-N``."""

    id: _Name
    phase: Literal["APPLIED", "FAILED"]
    message: str = ""
    previous_offsets: list[dict[str, Any]] = []
    applied_at: str = ""


class Said(msgspec.Struct):
    """``status-connector-N`` and ``status-task-N-0``."""

    state: _State
    worker_id: str = ""
    generation: _Epoch | None = None
    trace: str | None = None
    version: str | None = None
    sealed: list[dict[str, Any]] | None = msgspec.field(default=None, name="bridge-sealed")


class _Topic(msgspec.Struct):
    discoverTimestamp: Annotated[int, msgspec.Meta(ge=0, le=LATEST_MS)]  # noqa: N815 - the wire's own name


class WrittenTo(msgspec.Struct):
    """``status-topic-T:connector-N``."""

    topic: _Topic


class Presence(msgspec.Struct):
    """``bridge-worker-W``."""

    state: str


class SignInKey(msgspec.Struct):
    """``bridge-sign-in-key``."""

    key: Annotated[bytes, msgspec.Meta(min_length=32, max_length=64)]


class SignedOut(msgspec.Struct):
    """``bridge-signed-out-D``."""

    until: Annotated[int, msgspec.Meta(ge=0)]


_Moment = Annotated[int, msgspec.Meta(ge=0, le=LATEST_MS)]


class Stands(msgspec.Struct):
    """``bridge-position-N``."""

    replay_id: Annotated[int, msgspec.Meta(ge=0, le=HIGHEST)] = msgspec.field(name="replayId")
    created_ms: _Moment | None = msgspec.field(default=None, name="created")
    committed_ms: _Moment | None = msgspec.field(default=None, name="committed")
