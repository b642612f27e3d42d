"""What can be asked of the workers together: Kafka Connect's operations, whoever runs the connectors.

Reads are answered from what this worker has read; writes only by the leader, and only once they were read back.
Refusals carry Kafka Connect's status and words.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, cast
from weakref import WeakValueDictionary

from attrs import define, field

from bridge.config.infos import ConfigInfos
from bridge.errors import BridgeError
from bridge.kafka.offsets import NoPosition
from bridge.log import for_connector, masked
from bridge.waits import STOPPING
from bridge.worker import records
from bridge.worker.answers import StateDocument, StatusDocument, state_document
from bridge.worker.judging import judged, with_nulls
from bridge.worker.leader import Leader
from bridge.worker.logs import Log
from bridge.worker.masks import keep
from bridge.worker.places import moved
from bridge.worker.plugins import Plugin
from bridge.worker.refusals import NO_CLASS, NOT_STOPPED, Refused, not_found, timed_out
from bridge.worker.state import State, Status

STATES: Final = ("RUNNING", "PAUSED", "STOPPED")
_ALTERED: Final = (
    "The Connect framework-managed offsets for this connector have been {0} successfully. However, if this connector "
    "manages offsets externally, they will need to be manually {0} in the system that the connector uses."
)
"""As the managed connector's page has it."""
_LEFT_FAILED: Final = "The connector has FAILED and was not started: restart it once the reason is mended."


@define(eq=False)
class Herder:
    """One worker's view of the whole group."""

    worker_id: str
    state: State
    leader: Leader
    status_log: Log
    plugins: Sequence[Plugin]
    _locks: WeakValueDictionary[str, threading.Lock] = field(factory=WeakValueDictionary)
    _guard: threading.Lock = field(factory=threading.Lock)

    # ---- reading ---------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """All connectors."""
        with self.state.changed:
            return list(self.state.configs)

    def config(self, name: str, *, literally: bool = False) -> dict[str, str]:
        """The configuration, secrets masked unless ``literally``."""
        config = self._stored(name)
        if literally:
            return dict(config)
        plugin = self.plugin_of(config)
        return plugin.shown(config) if plugin else dict.fromkeys(config, "****************")

    def info(self, name: str, *, literally: bool = False) -> dict[str, object]:
        """Kafka Connect's ConnectorInfo."""
        config = self.config(name, literally=literally)
        return {
            "name": name,
            "config": config,
            "tasks": [{"connector": name, "task": 0}] if name in self.state.tasks else [],
            "type": self._type(self._stored(name)),
        }

    def status(self, name: str) -> StatusDocument:
        """Connector and task, as they last said they were."""
        with self.state.changed:
            config = self.state.configs.get(name)
            if config is None:
                raise Refused(404, f"No status found for connector {name}")
            said = self.state.connectors.get(name) or Status("UNASSIGNED", self.worker_id)
            task = self.state.tasks.get(name)
        return {
            "name": name,
            "connector": state_document(said),
            "tasks": [] if task is None else [state_document(task) | {"id": 0}],
            "type": self._type(config),
        }

    def tasks(self, name: str, *, literally: bool = False) -> list[dict[str, object]]:
        """The one task's id and configuration."""
        config = self.config(name, literally=literally)
        if name not in self.state.tasks:
            return []
        plugin = self.plugin_of(self._stored(name))
        task_class = {"task.class": plugin.task_class} if plugin else {}
        return [{"id": {"connector": name, "task": 0}, "config": {**config, **task_class}}]

    def task_status(self, name: str, task: int) -> StateDocument:
        """The state of one task."""
        said = self.state.tasks.get(name) if task == 0 and name in self.state.configs else None
        if said is None:
            raise Refused(404, f"No status found for task {name}-{task}")
        return state_document(said) | {"id": task}

    def topics(self, name: str) -> list[str]:
        """What a connector was seen to write to since the last reset."""
        with self.state.changed:
            return sorted(self.state.topics.get(name, ())) if name in self.state.configs else []

    def offsets(self, name: str) -> list[dict[str, object]]:
        """The committed positions."""
        config = self._stored(name)
        plugin = self.plugin_of(config)
        return plugin.offsets(name, config) if plugin else []

    # ---- writing ---------------------------------------------------------------------------------------

    def create(self, name: str, given: Mapping[str, str | None], state: str = "RUNNING") -> dict[str, object]:
        """A new connector. Raises Refused (409) if there is one of that name."""
        config = self._valid(name, given, None)
        with self._writing(name):
            if name in self.state.configs:
                raise Refused(409, f"Connector {name} already exists")
            added = [records.target_state(name, state)] if state != "RUNNING" else []
            self.leader.write([*added, records.connector(name, config)])
            return {**self.info(name), "tasks": []}

    def put(self, name: str, given: Mapping[str, str | None]) -> tuple[bool, dict[str, object]]:
        """Create or replace; whether it was created, and ConnectorInfo."""
        with self._writing(name):
            stored = self.state.configs.get(name)
            config = self._valid(name, given, stored)
            self._write_config(name, config, stored)
            return stored is None, self.info(name)

    def patch(self, name: str, changes: Mapping[str, str | None]) -> dict[str, object]:
        """Change some properties; None removes one."""
        with self._writing(name):
            stored = self._stored(name)
            merged = {key: text for key, text in {**stored, **changes}.items() if text is not None}
            untouched = frozenset(stored.keys() - changes.keys())
            unnamed = "name" in changes and changes["name"] is None
            config = self._valid(name, merged, stored, keep_name=True, untouched=untouched, unnamed=unnamed)
            self._write_config(name, config, stored)
            return self.info(name)

    def _write_config(self, name: str, config: dict[str, str], stored: dict[str, str] | None) -> None:
        """A running connector that is to be what it is, is left alone: it keeps its session at Salesforce."""
        said = (self.state.connectors.get(name), self.state.tasks.get(name))
        wanted = self.state.target_of(name) == "RUNNING" and self.state.pending(name) is None
        if config == stored and wanted and all(one is not None and one.state == "RUNNING" for one in said):
            for_connector(name).info(
                "the configuration that was sent is the one that runs, and nothing was restarted; what has changed "
                "behind a reference is read at the next restart"
            )
            return
        self.leader.write([records.connector(name, config)])

    def delete(self, name: str) -> None:
        """Remove; positions are kept, as in Kafka Connect."""
        with self._writing(name):
            self._stored(name)
            gone: list[records.Record] = [(records.CONNECTOR + name, None), (records.TARGET + name, None)]
            if name in self.state.requests:
                gone.append((records.REQUEST + name, None))
            self.leader.write(gone)
            self.leader.tend()

    def forget(self, name: str) -> None:
        """Remove, and the position with it, as the cloud does."""
        with self._writing(name):
            config = self._stored(name)
        self.target(name, "STOPPED")
        self._wait_for_rest(name, 30)
        self.delete(name)
        plugin = self.plugin_of(config)
        if plugin is not None:
            plugin.alter(name, config, None)

    def target(self, name: str, state: str) -> None:
        """Pause, resume or stop; the owner does it."""
        with self._writing(name):
            if name not in self.state.configs:
                raise Refused(404, f"Unknown connector {name}")
            self.leader.write([records.target_state(name, state)])

    def restart(self, name: str, include_tasks: bool, only_failed: bool) -> StatusDocument:
        """The status as it will be while restarting."""
        with self._writing(name):
            if name not in self.state.configs:
                raise Refused(404, f"Unknown connector: {name}")
            status = self.status(name)
            if not only_failed or status["connector"]["state"] == "FAILED":
                status["connector"]["state"] = "RESTARTING"
            for task in status["tasks"]:
                if include_tasks and (not only_failed or task["state"] == "FAILED"):
                    task["state"] = "RESTARTING"
            self.leader.write([records.restart(name, include_tasks, only_failed)])
        return status

    def restart_task(self, name: str, task: int) -> None:
        """Restart one task."""
        with self._writing(name):
            if name not in self.state.configs:
                raise Refused(404, f"Unknown connector: {name}")
            if task != 0 or name not in self.state.tasks:
                raise Refused(404, f"Unknown task: {name}-{task}")
            self.leader.write([records.restart(name, True, False)])

    def reset_topics(self, name: str) -> None:
        """Forget what a connector was seen to write to."""
        gone = [(records.topic_key(topic, name), None) for topic in self.state.topics.get(name, ())]
        if gone:
            self.status_log.append(gone)

    def alter_offsets(self, name: str, offsets: list[tuple[object, object]] | None) -> str | None:
        """Move the position of a stopped connector; None forgets it. What is to be said of it. Raises Refused.

        As in Kafka Connect, what it is wanted to be decides; that nothing of it runs any more is waited for.
        """
        began, until = time.time(), time.monotonic() + STOPPING.longest
        while True:
            with self._writing(name):
                config = self._stored(name)
                if self.state.target_of(name) != "STOPPED":
                    raise Refused(400, NOT_STOPPED.format(name))
                plugin = self._plugin(config)
                if offsets is not None:
                    check_offsets(plugin, offsets)
                if self.state.is_at_rest(name):
                    remark = plugin.alter(name, config, offsets)
                    self.status_log.append([moved(name, offsets)])
                    return remark
            left = until - time.monotonic()
            if left <= 0:
                raise timed_out(f"waiting until connector {name} has stopped", began)
            self._wait_for_rest(name, left)

    def _wait_for_rest(self, name: str, seconds: float) -> None:
        """Until it has stopped, is not to stop any more, or is gone."""
        state = self.state
        state.wait(lambda: state.is_at_rest(name) or state.target_of(name) != "STOPPED", seconds)

    # ---- one request at a time, as the cloud has it -------------------------------------------------------

    def request_offsets(
        self, name: str, kind: str, offsets: list[tuple[object, object]]
    ) -> dict[str, object]:
        """Ask for another position; the connector is stopped and started meanwhile. 409 while one is pending."""
        with self._writing(name):
            config = self._stored(name)
            if kind == "PATCH":
                check_offsets(self._plugin(config), offsets)
            if self.state.pending(name) is not None:
                raise Refused(409, f"An offsets request of connector {name} is still pending")
            request: dict[str, object] = {
                "id": uuid.uuid4().hex,
                "type": kind,
                "offsets": [{"partition": partition, "offset": offset} for partition, offset in offsets],
                "requested_at": now(),
            }
            self.leader.write([(records.REQUEST + name, records.encode(request))])
            return request

    def apply_request(self, name: str, request: Mapping[str, object]) -> dict[str, object]:
        """What the owner does with a request once the connector has stopped; never raises."""
        outcome: dict[str, Any] = {"id": request["id"], "previous_offsets": [], "phase": "APPLIED"}
        try:
            config = self._stored(name)
            plugin = self._plugin(config)
            with suppress(NoPosition):  # this request is the remedy
                outcome["previous_offsets"] = plugin.offsets(name, config)
            offsets = cast("list[dict[str, object]]", request["offsets"])  # as shapes.py takes them in
            wanted = [(one["partition"], one["offset"]) for one in offsets]
            to = wanted if request["type"] == "PATCH" else None
            remark = plugin.alter(name, config, to)
            self.status_log.append([moved(name, to)])
            done = "altered" if request["type"] == "PATCH" else "reset"
            left = _LEFT_FAILED if self.state.has_failed(name) else None
            outcome["message"] = " ".join(filter(None, (_ALTERED.format(done), remark, left)))
        except (BridgeError, Refused, ValueError) as error:
            outcome |= {"phase": "FAILED", "message": masked(str(error))}
        except Exception as error:
            for_connector(name).exception("unexpected error: this is a fault of the bridge")
            outcome |= {"phase": "FAILED", "message": f"an unexpected {type(error).__name__}"}
        return {**outcome, "applied_at": now()}

    def sign_out(self, digest: str, until: int) -> None:
        """Have every worker know that a browser's sign-in has ended. Raises BridgeError."""
        self.status_log.append([records.signed_out(digest, until)])

    # ---- plug-ins --------------------------------------------------------------------------------------

    def plugin_named(self, name: str) -> Plugin | None:
        """The plug-in that a class name or alias means."""
        return next((plugin for plugin in self.plugins if plugin.answers_to(name)), None)

    def plugin_of(self, config: Mapping[str, str]) -> Plugin | None:
        """The plug-in that a configuration names."""
        return self.plugin_named(config.get("connector.class", ""))

    def validate(self, given: Mapping[str, str | None]) -> ConfigInfos:
        """ConfigInfos; a mask stands for what is stored. Raises Refused (400) without a class that is known."""
        plugin = self._plugin(given)
        stored = self.state.configs.get(given.get("name") or "")
        kept = keep({k: text for k, text in given.items() if text is not None}, stored)
        return with_nulls(kept.into(plugin.validate(kept.config)), given)

    def _plugin(self, config: Mapping[str, str | None]) -> Plugin:
        if config.get("connector.class") is None:
            inside = ", ".join(f"{key}={config[key]}" for key in ("name", "topic") if key in config)
            raise Refused(400, f"Connector config {{{inside}}} contains no connector type")
        plugin = self.plugin_named(str(config["connector.class"]))
        if plugin is None:
            classes = ", ".join(one.name for one in self.plugins)
            raise Refused(400, NO_CLASS.format(config["connector.class"], classes))
        return plugin

    # ---- parts -----------------------------------------------------------------------------------------

    def _valid(
        self,
        name: str,
        given: Mapping[str, str | None],
        stored: Mapping[str, str] | None,
        keep_name: bool = False,
        untouched: frozenset[str] = frozenset(),
        unnamed: bool = False,
    ) -> dict[str, str]:
        """The configuration to store. Raises Refused (400) with every error.

        Without a name in it, it is given the connector's, unless ``unnamed``: a change took the name away.
        """
        inner = given.get("name")
        if inner is not None and inner != name and not keep_name:
            raise Refused(
                400,
                f"Connector name configuration ({inner}) doesn't match connector name in the URL ({name})",
            )
        kept = keep({k: t for k, t in given.items() if t is not None}, stored, untouched)
        if not unnamed:
            kept.config.setdefault("name", name)
        return judged(self._plugin(kept.config), name, given, kept)

    def _stored(self, name: str) -> dict[str, str]:
        config = self.state.configs.get(name)
        if config is None:
            raise not_found(name)
        return config

    def _type(self, config: Mapping[str, str]) -> str:
        plugin = self.plugin_of(config)
        return plugin.type if plugin else "unknown"

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        """One write of a connector at a time, and only by the leader. Raises NotLeader."""
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if not self.leader.leads():
                self.leader.write([])
            yield


def check_offsets(plugin: Plugin, offsets: list[tuple[object, object]]) -> None:
    """Raises Refused (400) for what no position of the plug-in's connectors can be."""
    try:
        plugin.check_offsets(offsets)
    except ValueError as wrong:
        raise Refused(400, str(wrong)) from None


def now() -> str:
    """The time as the cloud's API writes it."""
    seconds, nanos = divmod(time.time_ns(), 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanos:09d}Z"
