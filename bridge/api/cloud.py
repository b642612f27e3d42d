"""Confluent Cloud's Connect API: the same connectors under the cloud's paths and with the cloud's words."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import frozen

from bridge.api.exchange import Answer, Ask, Handler, config_in, fields, name_in, offsets_in
from bridge.worker.glance import cloud_state
from bridge.worker.herder import Herder, check_offsets, now
from bridge.worker.refusals import Refused

BASE: Final = "connect/v1/environments/*/clusters/*"
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"


def lcc_id(group: str, name: str) -> str:
    """The connector's id: derived from group and name, so that it needs to be stored nowhere."""
    number = int.from_bytes(hashlib.sha256(f"{group}\0{name}".encode()).digest()[:4], "big")
    return "lcc-" + "".join(_ALPHABET[number >> (5 * place) & 31] for place in range(6))


@frozen
class Cloud:
    """The handlers. ``Ask.path`` holds environment, cluster, then a connector's name."""

    herder_of: Callable[[], Herder]
    group: str
    pinned: Mapping[str, str]

    @property
    def herder(self) -> Herder:
        """The herder, which is there once the worker has started."""
        return self.herder_of()

    def every(self, ask: Ask) -> Answer:
        self._here(ask)
        wanted = {word.strip() for text in ask.query.get("expand", []) for word in text.split(",")}
        if "expand" not in ask.query:
            return Answer(200, self.herder.names())
        expanded = {}
        for name in self.herder.names():
            try:
                expanded[name] = self._expanded(ask, name, wanted)
            except Refused:
                continue
        return Answer(200, expanded)

    def create(self, ask: Ask) -> Answer:
        self._here(ask)
        body = fields(ask.json(), ("name", "config", "offsets"), "the request")
        config = config_in(body.get("config"), "config")
        name = name_in(config.get("name") if body.get("name") is None else body["name"])
        offsets = None if body.get("offsets") is None else _distinct(offsets_in(body["offsets"]))
        created = self._create_at(name, config, offsets) if offsets else self.herder.create(name, config)
        shown = {**created, "config": self.herder.config(name, literally=ask.literally)}
        return Answer(201, {**shown, "offsets": body["offsets"]} if offsets else shown)

    def _create_at(self, name: str, config: dict[str, str | None], offsets: list[Any]) -> dict[str, Any]:
        """Created stopped, moved, then let run: it never runs at another position."""
        plugin = self.herder.plugin_named(str(config.get("connector.class")))
        if plugin is not None:
            check_offsets(plugin, offsets)
        created = self.herder.create(name, config, "STOPPED")
        try:
            self.herder.request_offsets(name, "PATCH", offsets)
            self.herder.target(name, "RUNNING")
        except BaseException:
            self.herder.delete(name)
            raise
        return created

    def get(self, ask: Ask) -> Answer:
        return Answer(200, self.herder.info(self._here(ask), literally=ask.literally))

    def delete(self, ask: Ask) -> Answer:
        name = self._here(ask)
        self.herder.forget(name)
        return Answer(200, {"error": None})

    def config(self, ask: Ask) -> Answer:
        return Answer(200, self.herder.config(self._here(ask), literally=ask.literally))

    def put_config(self, ask: Ask) -> Answer:
        name = self._here(ask)
        self.herder.put(name, config_in(ask.json(), "The configuration"))
        return Answer(200, self.herder.info(name, literally=ask.literally))

    def status(self, ask: Ask) -> Answer:
        return Answer(200, self._status(self._here(ask)))

    def tasks(self, ask: Ask) -> Answer:
        return Answer(200, self.herder.tasks(self._here(ask), literally=ask.literally))

    def pause(self, ask: Ask) -> Answer:
        self.herder.target(self._here(ask), "PAUSED")
        return Answer(202)

    def resume(self, ask: Ask) -> Answer:
        self.herder.target(self._here(ask), "RUNNING")
        return Answer(202)

    def restart(self, ask: Ask) -> Answer:
        self.herder.restart(self._here(ask), True, False)
        return Answer(202)

    def plugins(self, ask: Ask) -> Answer:
        self._here(ask)
        shown = [{"class": one.name, "type": one.type, "version": one.version} for one in self.herder.plugins]
        return Answer(200, shown)

    def validate(self, ask: Ask) -> Answer:
        self._here(ask)
        config = config_in(ask.json(), "The configuration")
        config.setdefault("connector.class", ask.path[2])
        infos = self.herder.validate(config)
        for one in infos["configs"]:
            one["metadata"] = {}
            one["definition"]["alias"] = ""
        return Answer(200, infos)

    # ---- offsets ---------------------------------------------------------------------------------------

    def offsets(self, ask: Ask) -> Answer:
        name = self._here(ask)
        offsets = self.herder.offsets(name)
        shown = {**self._named(name), "offsets": offsets, "metadata": {"observed_at": now()}}
        return Answer(200, shown)

    def request(self, ask: Ask) -> Answer:
        name = self._here(ask)
        body = fields(ask.json(), ("type", "offsets"), "the request")
        self.herder.config(name)
        if body.get("type") not in ("PATCH", "DELETE"):
            raise Refused(400, "type must be PATCH or DELETE")
        offsets: list[tuple[Any, Any]] = []
        if body["type"] == "PATCH":
            if not body.get("offsets"):
                raise Refused(400, "offsets must be given for a PATCH request")
            offsets = _distinct(offsets_in(body["offsets"]))
            if any(offset is None for _, offset in offsets):
                raise Refused(
                    400, "an offset must hold a replayId; to forget the position, send a DELETE request"
                )
        elif body.get("offsets"):
            raise Refused(400, "offsets must not be given for a DELETE request")
        request = self.herder.request_offsets(name, body["type"], offsets)
        return Answer(202, self._request(name, request))

    def request_status(self, ask: Ask) -> Answer:
        name = self._here(ask)
        self.herder.config(name)
        with self.herder.state.changed:
            request = self.herder.state.requests.get(name)
            outcome = self.herder.state.outcomes.get(name) or {}
        if request is None:
            raise Refused(404, f"No offsets request was made for connector {name}")
        done = outcome if outcome.get("id") == request["id"] else {}
        status = {"phase": done.get("phase", "PENDING")}
        if done.get("message"):
            status["message"] = done["message"]
        shown = {
            "request": self._request(name, request),
            "status": status,
            "previous_offsets": done.get("previous_offsets", []),
            "applied_at": done.get("applied_at"),
        }
        return Answer(200, shown)

    # ---- parts -----------------------------------------------------------------------------------------

    def _here(self, ask: Ask) -> str:
        """Environment and cluster must be the pinned ones, if any are, or '-'; the connector's name."""
        for what, given in zip(("environment", "cluster"), ask.path, strict=False):
            if given not in ("-", self.pinned.get(what) or given):
                raise Refused(404, f"{what} {given} is not served here")
        return ask.path[2] if len(ask.path) > 2 else ""

    def _named(self, name: str) -> dict[str, Any]:
        return {"id": lcc_id(self.group, name), "name": name}

    def _request(self, name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        shown = {key: request[key] for key in ("offsets", "requested_at", "type")}
        return {**self._named(name), **shown}

    def _status(self, name: str) -> dict[str, Any]:
        status = self.herder.status(name)
        connector = status["connector"]
        connector["state"] = cloud_state(connector["state"])
        connector.setdefault("trace", "")
        connector.pop("version", None)
        for task in status["tasks"]:
            task["state"] = cloud_state(task["state"])
            task.pop("version", None)
            task["msg"] = task.pop("trace", "")
        return {**status, "errors_from_trace": []}

    def _expanded(self, ask: Ask, name: str, wanted: set[str]) -> dict[str, Any]:
        document: dict[str, Any] = {}
        if "id" in wanted:
            document["id"] = {"id": lcc_id(self.group, name), "id_type": "ID"}
        if "info" in wanted:
            document["info"] = self.herder.info(name, literally=ask.literally)
        if "status" in wanted:
            document["status"] = self._status(name)
        return document


def _distinct(offsets: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Raises Refused (400) where one of two would win without a word."""
    partitions = [partition for partition, _ in offsets]
    if any(one in partitions[:place] for place, one in enumerate(partitions)):
        raise Refused(400, "offsets names the same partition twice")
    return offsets


def routes(api: Cloud) -> dict[str, dict[str, Handler]]:
    """As in :func:`bridge.api.connect.routes`."""
    one = f"{BASE}/connectors/*"
    return {
        f"{BASE}/connectors": {"GET": api.every, "POST": api.create},
        one: {"GET": api.get, "DELETE": api.delete},
        f"{one}/config": {"GET": api.config, "PUT": api.put_config},
        f"{one}/status": {"GET": api.status},
        f"{one}/tasks": {"GET": api.tasks},
        f"{one}/pause": {"PUT": api.pause},
        f"{one}/resume": {"PUT": api.resume},
        f"{one}/restart": {"POST": api.restart},
        f"{one}/offsets": {"GET": api.offsets},
        f"{one}/offsets/request": {"POST": api.request},
        f"{one}/offsets/request/status": {"GET": api.request_status},
        f"{BASE}/connector-plugins": {"GET": api.plugins},
        f"{BASE}/connector-plugins/*/config/validate": {"PUT": api.validate},
    }
