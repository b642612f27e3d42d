"""The records of the config and status topics, in Kafka Connect's own formats; ours have keys that begin ``bridge-``.

Config topic: ``connector-N`` {"properties":{…}} · ``target-state-N`` {"state","state.v2"} · ``restart-connector-N``
{"include-tasks","only-failed"} · ``logger-cluster-L`` {"level"} · ``bridge-assignment`` {"epoch","leader","workers",
"since"} · ``bridge-owner-N`` {"epoch","worker"} · ``bridge-offsets-request-N`` {"id","type","offsets","requested_at"} ·
``bridge-sign-in-key`` {"key"} (base64), which signs the tokens of browsers that have signed in.
Status topic: ``status-connector-N``, ``status-task-N-0`` {"state","trace","worker_id","generation","version"}, of a
task that encrypts also {"bridge-sealed"} ·
``status-topic-T:connector-N`` · ``bridge-offsets-outcome-N`` · ``bridge-worker-W`` {"state"} ·
``bridge-position-N`` {"replayId","created","committed"} (ms), what is told of a position while nothing runs ·
``bridge-signed-out-D`` {"until"}: a sign-in that was ended, by a digest, until it would end by itself (s).
Connect's task, commit, fencing and session-key records are not written here.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Final

CONNECTOR: Final = "connector-"
TARGET: Final = "target-state-"
RESTART: Final = "restart-connector-"
LOGGER: Final = "logger-cluster-"
ASSIGNMENT: Final = "bridge-assignment"
OWNER: Final = "bridge-owner-"
REQUEST: Final = "bridge-offsets-request-"
SESSION_KEY: Final = "session-key"
STATUS: Final = "status-connector-"
TASK_STATUS: Final = "status-task-"
TOPIC_STATUS: Final = "status-topic-"
OUTCOME: Final = "bridge-offsets-outcome-"
WORKER: Final = "bridge-worker-"
POSITION: Final = "bridge-position-"
SIGN_IN_KEY: Final = "bridge-sign-in-key"
SIGNED_OUT: Final = "bridge-signed-out-"

Record = tuple[str, bytes | None]


def encode(value: object) -> bytes:
    """As Kafka Connect's JsonConverter writes it: no blanks, UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def connector(name: str, properties: Mapping[str, str]) -> Record:
    """A connector's configuration."""
    return CONNECTOR + name, encode({"properties": dict(properties)})


def target_state(name: str, state: str) -> Record:
    """What a connector is wanted to be: RUNNING, PAUSED, STOPPED. Old workers know no STOPPED."""
    written = "STARTED" if state == "RUNNING" else state
    older = "PAUSED" if state == "STOPPED" else written
    return TARGET + name, encode({"state": older, "state.v2": written})


def restart(name: str, include_tasks: bool, only_failed: bool) -> Record:
    """A wish to restart; acted on by whoever runs the connector as it is written."""
    return RESTART + name, encode({"include-tasks": include_tasks, "only-failed": only_failed})


def status(
    state: str,
    trace: str | None,
    worker: str,
    generation: int,
    version: str,
    sealed: Sequence[Mapping[str, object]] | None = None,
) -> bytes:
    """The value of ``status-connector-N`` and ``status-task-N-0``. ``sealed``: of a task that encrypts, what."""
    more = {} if sealed is None else {"bridge-sealed": list(sealed)}
    return encode(
        {
            "state": state,
            "trace": trace,
            "worker_id": worker,
            "generation": generation,
            "version": version,
            **more,
        }
    )


def sign_in_key(key: bytes) -> Record:
    """What tokens of browsers are signed with in this group."""
    return SIGN_IN_KEY, encode({"key": base64.b64encode(key).decode()})


def signed_out(digest: str, until: int) -> Record:
    """A sign-in that was ended before its time, ``until`` (seconds since the epoch)."""
    return SIGNED_OUT + digest, encode({"until": until})


def topic_key(topic: str, connector: str) -> str:
    """``status-topic-T:connector-N``."""
    return f"{TOPIC_STATUS}{topic}:connector-{connector}"


def topic_value(topic: str, connector: str, discovered_ms: int) -> bytes:
    """What a connector was seen to write to."""
    inner = {"name": topic, "connector": connector, "task": 0, "discoverTimestamp": discovered_ms}
    return encode({"topic": inner})
