"""Stand-ins for the connectors of the recording, under their class names: properties, errors, offsets.

``FileStreamSourceConnector`` reads a file that somebody else writes to while recording; how long it is, is an
input which the recording does not hold, so the replayer sets ``World.length`` from what was answered next.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import define, field, frozen

from bridge.errors import BridgeError, Fatal, Stage
from bridge.java.numbers import parse_whole
from bridge.java.texts import trimmed
from bridge.transforms.predicates import PREDICATES
from bridge.transforms.table import TRANSFORMS
from bridge.worker.judging import name_fault
from bridge.worker.plugins import Running, View

VERSION = "4.3.1"
_FILE = "org.apache.kafka.connect.file.FileStream"
_STORAGE = "org.apache.kafka.connect.storage."

# name, type, required, default, importance, group, order, width, display name
_COMMON: tuple[tuple[Any, ...], ...] = (
    ("name", "STRING", True, None, "HIGH", "Common", 1, "MEDIUM", "Connector name"),
    ("connector.class", "STRING", True, None, "HIGH", "Common", 2, "LONG", "Connector class"),
    ("connector.plugin.version", "STRING", False, "", "MEDIUM", "Common", 3, "MEDIUM", "Connector version"),
    ("tasks.max", "INT", False, "1", "HIGH", "Common", 4, "SHORT", "Tasks max"),
    ("tasks.max.enforce", "BOOLEAN", False, "true", "LOW", "Common", 5, "SHORT", "Enforce tasks max"),
    ("key.converter", "CLASS", False, None, "LOW", "Common", 6, "SHORT", "Key converter class"),
    ("key.converter.plugin.version", "STRING", False, None, "LOW", "Common", 7, "SHORT", "Key converter version"),
    ("value.converter", "CLASS", False, None, "LOW", "Common", 8, "SHORT", "Value converter class"),
    ("value.converter.plugin.version", "STRING", False, None, "LOW", "Common", 9, "SHORT", "Value converter version"),
    ("header.converter", "CLASS", False, None, "LOW", "Common", 10, "SHORT", "Header converter class"),
    ("header.converter.plugin.version", "STRING", False, None, "LOW", "Common", 11, "SHORT",
     "Header converter version"),
    ("transforms", "LIST", False, "", "LOW", "Transforms", 12, "LONG", "Transforms"),
    ("predicates", "LIST", False, "", "LOW", "Predicates", 13, "LONG", "Predicates"),
    ("config.action.reload", "STRING", False, "restart", "LOW", "Common", 14, "MEDIUM", "Reload Action"),
    ("errors.retry.timeout", "LONG", False, "0", "MEDIUM", "Error Handling", 1, "MEDIUM", "Retry Timeout for Errors"),
    ("errors.retry.delay.max.ms", "LONG", False, "60000", "MEDIUM", "Error Handling", 2, "MEDIUM",
     "Maximum Delay Between Retries for Errors"),
    ("errors.tolerance", "STRING", False, "none", "MEDIUM", "Error Handling", 3, "SHORT", "Error Tolerance"),
    ("errors.log.enable", "BOOLEAN", False, "false", "MEDIUM", "Error Handling", 4, "SHORT", "Log Errors"),
    ("errors.log.include.messages", "BOOLEAN", False, "false", "MEDIUM", "Error Handling", 5, "SHORT",
     "Log Error Details"),
)  # fmt: skip
_SOURCE: tuple[tuple[Any, ...], ...] = (
    ("topic.creation.groups", "LIST", False, "", "LOW", "Topic Creation", 1, "LONG", "Topic Creation Groups"),
    ("exactly.once.support", "STRING", False, "requested", "MEDIUM", "Exactly Once Support", 2, "SHORT",
     "Exactly once support"),
    ("transaction.boundary", "STRING", False, "poll", "MEDIUM", "Exactly Once Support", 3, "SHORT",
     "Transaction Boundary"),
    ("transaction.boundary.interval.ms", "LONG", False, None, "LOW", "Exactly Once Support", 4, "SHORT",
     "Transaction boundary interval"),
    ("offsets.storage.topic", "STRING", False, None, "LOW", "offsets.topic", 1, "LONG", "Offsets topic"),
)  # fmt: skip
_WORKERS = {
    "key.converter": _STORAGE + "StringConverter",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "header.converter": _STORAGE + "SimpleHeaderConverter",
}
_CHOICES = {
    "config.action.reload": (("none", "restart"), False),
    "errors.tolerance": (("none", "all"), False),
    "exactly.once.support": (("REQUIRED", "REQUESTED"), True),
    "transaction.boundary": (("INTERVAL", "POLL", "CONNECTOR"), True),
    "fail": (("no", "connector", "task"), False),
}
_LEAST = {"tasks.max": 1, "count": 0, "errors.retry.delay.max.ms": None}
_GROUPS = tuple(dict.fromkeys(str(one[5]) for one in (*_COMMON, *_SOURCE)))


def _own(name: str, kind: str, required: bool, default: str | None, importance: str) -> tuple[Any, ...]:
    return (name, kind, required, default, importance, None, -1, "NONE", name)


@define
class World:
    """What lies outside the recording, and the offsets, which outlive connectors."""

    length: int = 8
    lines: int = 0  # how often the file has grown
    offsets: dict[str, dict[str, Any]] = field(factory=dict)


@define
class StubRunning:
    """A connector that has done all it will do as soon as it has started."""

    plugin: Stub
    name: str
    given: Mapping[str, str]
    failure: str | None = None
    _ended: bool = False
    _seen: int = -1

    @property
    def error(self) -> BridgeError | None:
        return Fatal(self.failure, stage=Stage.PRODUCE) if self.failure else None

    @property
    def numbers(self) -> StubRunning:
        return self

    def show(self, visible: bool) -> None:
        """It has none."""

    def start(self) -> None:
        world, kept = self.plugin.world, self.plugin.world.offsets.setdefault(self.name, {})
        if self.given.get("fail") in ("connector", "task"):
            self.failure = f"the {self.given['fail']} was told to fail"
        elif self.plugin.name == "EmptyPartitionSource":
            emitted = int(self.given.get("count", "3"))
            if emitted and "LongConverter" in self.given.get("value.converter", ""):
                self.failure = "Tolerance exceeded in error handler"
            elif emitted:
                kept["{}"] = {"replayId": kept.get("{}", {}).get("replayId", 0) + emitted}
        self._seen = -1 if world.length else world.lines
        self._read()

    def _read(self) -> None:
        if self.plugin.name.startswith(_FILE) and "file" in self.given:
            partition = json.dumps({"filename": self.given["file"]})
            self.plugin.world.offsets[self.name][partition] = {"position": self.plugin.world.length}

    def stop(self) -> None:
        self._ended = True

    def join(self, timeout: float | None = None) -> bool:
        return self._ended or self.failure is not None

    def unfinished(self) -> str | None:
        return None

    def view(self) -> View:
        if self.given.get("fail") == "connector":
            return View("FAILED", None, self.failure)
        if self.failure is not None:
            return View("RUNNING", "FAILED", None, self.failure)
        return View("RUNNING", "RUNNING")

    def topics(self) -> tuple[str, ...]:
        world = self.plugin.world
        if self.plugin.name.startswith(_FILE):
            fresh, self._seen = self._seen != world.lines, world.lines
            if fresh:
                self._read()
            return (self.given["topic"],) if fresh else ()
        fresh, self._seen = self._seen == -1 and int(self.given.get("count", "3")) > 0, 0
        return (self.given["topic"],) if fresh and self.failure is None else ()


@frozen
class Stub:
    """One connector class of the recording."""

    name: str
    own: tuple[tuple[Any, ...], ...]
    world: World
    version: str = VERSION
    type: str = "source"

    @property
    def task_class(self) -> str:
        file = self.name.startswith(_FILE)
        return self.name.removesuffix("Connector") + "Task" if file else f"{self.name}$EmptyTask"

    def answers_to(self, name: str) -> bool:
        simple = self.name.rpartition(".")[2]
        return name in (self.name, simple, simple.removesuffix("Connector"))

    def _declared(self) -> tuple[tuple[Any, ...], ...]:
        return (*_COMMON, *(_SOURCE if self.type == "source" else ()), *self.own)

    def definitions(self) -> list[dict[str, Any]]:
        framework = [one for one in self._declared() if one not in self.own]
        return [self._definition(one, {}) for one in (*self.own, *framework)]

    def _definition(self, one: tuple[Any, ...], workers: Mapping[str, str]) -> dict[str, Any]:
        name, kind, required, default, importance, group, order, width, display = one
        default = workers.get(name, default)
        if name == "connector.plugin.version":
            default = self.version
        elif name.endswith(".plugin.version") and workers:
            default = VERSION
        return {
            "name": name, "type": kind, "required": required, "default_value": default,
            "importance": importance, "documentation": "", "group": group, "order_in_group": order,
            "width": width, "display_name": display, "dependents": [],
        }  # fmt: skip

    def validate(self, given: Mapping[str, str]) -> dict[str, Any]:
        configs = []
        for one in self._declared():
            definition, shown = self._definition(one, _WORKERS), True
            if one[0].endswith(".plugin.version") and one[0].removesuffix(".plugin.version") in given:
                definition["default_value"] = None
                shown = self._known(given[one[0].removesuffix(".plugin.version")])
            value, errors = self._judge(definition, given)
            configs.append(
                {
                    "definition": definition,
                    "value": {
                        "name": one[0],
                        "value": value,
                        "recommended_values": [],
                        "errors": errors,
                        "visible": shown,
                    },
                }
            )
        configs += [one for one in self._transforms(given) if one["value"]["errors"]]
        return {
            "name": given.get("connector.class", ""),
            "error_count": sum(len(one["value"]["errors"]) for one in configs),
            "groups": list(_GROUPS),
            "configs": configs,
        }

    @staticmethod
    def _known(name: str) -> bool:
        return name.startswith("org.apache.kafka.")

    def _transforms(self, given: Mapping[str, str]) -> list[dict[str, Any]]:
        found = []
        for root, classes in (("transforms", TRANSFORMS), ("predicates", PREDICATES)):
            for alias in (part.strip() for part in given.get(root, "").split(",")):
                key = f"{root}.{alias}.type"
                kind = given.get(key)
                errors = []
                if kind is None:
                    errors = [f'Missing required configuration "{key}" which has no default value.']
                elif kind not in classes:
                    errors = [
                        f"Invalid value {kind} for configuration {key}: Class {kind} could not be found."
                    ]
                found.append(
                    {"definition": {"name": key}, "value": {"name": key, "errors": errors if alias else []}}
                )
        return found

    def _judge(self, definition: Mapping[str, Any], given: Mapping[str, str]) -> tuple[str | None, list[str]]:
        name, kind = definition["name"], definition["type"]
        value = given.get(name, definition["default_value"])
        if name not in given and definition["required"]:
            return None, [f'Missing required configuration "{name}" which has no default value.']
        wrong = f"Invalid value {value} for configuration {name}: "
        if value is not None and kind in ("INT", "LONG"):
            least = _LEAST.get(name)
            try:
                number = parse_whole(trimmed(value), 32 if kind == "INT" else 64)
            except ValueError:
                null = f"Invalid value null for configuration {name}: Value must be non-null"
                return None, [f"{wrong}Not a number of type {kind}", *([] if least is None else [null])]
            if least is not None and number < least:
                return str(number), [f"{wrong}Value must be at least {least}"]
            return str(number), []
        if value is not None and kind == "BOOLEAN":
            word = trimmed(value).lower()
            if word not in ("true", "false"):
                return None, [f"{wrong}Expected value to be either true or false"]
            return word, []
        if name == "name":
            value = trimmed(value or "")
            fault = name_fault(value)
            return value, [] if fault is None else [f"Invalid value {value} for configuration name: {fault}"]
        if value is not None:
            value = trimmed(value)
        if name == "offsets.storage.topic" and value == "":
            return value, [f"{wrong}String must be non-empty"]
        if kind == "CLASS" and value is not None and not self._known(value):
            return None, [f"{wrong}Class {value} could not be found."]
        if name in _CHOICES and value is not None:
            known, folded = _CHOICES[name]
            if value not in known and not (folded and value.upper() in known):
                how = " (case insensitive)" if folded else ""
                return value, [f"{wrong}String must be one of{how}: {', '.join(known)}"]
        if (
            name == "exactly.once.support"
            and value.lower() == "required"
            and self.name.startswith(_FILE)
            and not given.get("file")
        ):
            return value, [
                "The connector does not support exactly-once semantics with the provided configuration."
            ]
        return value, []

    def shown(self, given: Mapping[str, str]) -> dict[str, str]:
        return dict(given)

    def run(self, name: str, given: Mapping[str, str], worker: str) -> Running:
        return StubRunning(self, name, given)

    def offsets(self, name: str, given: Mapping[str, str]) -> list[dict[str, Any]]:
        kept = self.world.offsets.get(name, {})
        return [{"partition": json.loads(partition), "offset": offset} for partition, offset in kept.items()]

    def check_offsets(self, offsets: list[tuple[Any, Any]]) -> None:
        for partition, offset in offsets:
            if self.name.startswith(_FILE):
                _check_file(partition, offset)
            elif partition:
                raise ValueError("the partition must be {}")
        for _, offset in offsets:
            for key, value in (offset or {}).items():
                if isinstance(value, dict | list):
                    kind = "MAP" if isinstance(value, dict) else "ARRAY"
                    raise ValueError(
                        f"Offsets may only contain primitive types as values, but field {key} contains {kind}"
                    )

    def alter(self, name: str, given: Mapping[str, str], offsets: list[tuple[Any, Any]] | None) -> None:
        kept = self.world.offsets.setdefault(name, {})
        if offsets is None:
            kept.clear()
        for partition, offset in offsets or ():
            if offset is None:
                kept.pop(json.dumps(partition), None)
            elif partition is not None:
                kept[json.dumps(partition)] = offset


def _check_file(partition: Any, offset: Any) -> None:
    if partition is None:
        raise ValueError("Partition objects cannot be null")
    if "filename" not in partition:
        raise ValueError("Partition objects should contain the key 'filename'")
    if offset is not None and not isinstance(offset.get("position"), int):
        raise ValueError("The value for the 'position' key in the offset is expected to be a Long value")


def stubs(world: World) -> list[Stub]:
    """The three of the recording."""
    file, topic = _own("file", "STRING", False, None, "HIGH"), _own("topic", "STRING", True, None, "HIGH")
    source = (file, topic, _own("batch.size", "INT", False, "2000", "LOW"))
    empty = (topic, _own("count", "INT", False, "3", "MEDIUM"), _own("fail", "STRING", False, "no", "LOW"))
    return [
        Stub(_FILE + "SinkConnector", (file,), world, type="sink"),
        Stub("EmptyPartitionSource", empty, world, "1.0"),
        Stub(_FILE + "SourceConnector", source, world),
    ]
