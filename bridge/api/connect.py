"""Kafka Connect's REST API (4.3): each handler says what Kafka Connect answers, from the herder's state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

from attrs import frozen

from bridge.api.exchange import Answer, Ask, Handler, config_in, fields, name_in, offsets_in
from bridge.config.classes import fits
from bridge.java.numbers import parse_whole
from bridge.worker.herder import STATES, Herder
from bridge.worker.refusals import Refused

VERSION: Final = "4.3.1"
"""The version of Kafka Connect whose API this is."""

_NEEDS_OFFSETS: Final = "Partitions / offsets need to be provided for an alter offsets request"


@frozen
class Connect:
    """The handlers. ``Ask.path`` holds a connector's name first, then a task's number."""

    herder_of: Callable[[], Herder]
    cluster_id: Callable[[], str] = lambda: ""
    commit: str = ""

    @property
    def herder(self) -> Herder:
        """The herder, which is there once the worker has started."""
        return self.herder_of()

    def root(self, ask: Ask) -> Answer:
        body = {"version": VERSION, "commit": self.commit, "kafka_cluster_id": self.cluster_id()}
        return Answer(200, body)

    def every(self, ask: Ask) -> Answer:
        if "expand" not in ask.query:
            return Answer(200, self.herder.names())
        connectors: dict[str, Any] = {}
        for name in self.herder.names():
            try:
                shown: dict[str, Any] = {}
                if "status" in ask.query["expand"]:
                    shown["status"] = self.herder.status(name)
                if "info" in ask.query["expand"]:
                    shown["info"] = self.herder.info(name, literally=ask.literally)
            except Refused:  # it was deleted meanwhile
                continue
            connectors[name] = shown
        return Answer(200, connectors)

    def create(self, ask: Ask) -> Answer:
        body = fields(ask.json(), ("name", "config", "initial_state"), "the request")
        if body.get("config") is None:
            raise Refused(400, "The request has no config")
        config = config_in(body["config"], "config")
        name = name_in(config.get("name") if body.get("name") is None else body["name"])
        if body.get("name") is None:
            config["name"] = name
        given = body.get("initial_state")
        state = "RUNNING" if given is None else str(given).upper()
        if state not in STATES:
            raise Refused(400, f"No initial_state {state}; there is {', '.join(STATES)}")
        created = self.herder.create(name, config, state)
        shown = {**created, "config": self.herder.config(name, literally=ask.literally)}
        return Answer(201, shown, {"Location": _location(ask, name)})

    def get(self, ask: Ask) -> Answer:
        return Answer(200, self.herder.info(ask.path[0], literally=ask.literally))

    def delete(self, ask: Ask) -> Answer:
        self.herder.delete(ask.path[0])
        return Answer(204)

    def config(self, ask: Ask) -> Answer:
        return Answer(200, self.herder.config(ask.path[0], literally=ask.literally))

    def put_config(self, ask: Ask) -> Answer:
        name = ask.path[0]
        created, _ = self.herder.put(name, config_in(_present(ask.json()), "The configuration"))
        info = self.herder.info(name, literally=ask.literally)
        return Answer(201, info, {"Location": _location(ask, name)}) if created else Answer(200, info)

    def patch_config(self, ask: Ask) -> Answer:
        document = ask.json()
        if document is None:
            self.herder.config(ask.path[0])  # one that is not there is a 404 first
        self.herder.patch(ask.path[0], config_in(_present(document), "The change"))
        return Answer(200, self.herder.info(ask.path[0], literally=ask.literally))

    def status(self, ask: Ask) -> Answer:
        return Answer(200, self.herder.status(ask.path[0]))

    def tasks(self, ask: Ask) -> Answer:
        return Answer(200, self.herder.tasks(ask.path[0], literally=ask.literally))

    def internal(self, ask: Ask) -> Answer:
        """What only workers of a Connect cluster ask each other."""
        raise Refused(400, "Internal request missing required signature")

    def task_status(self, ask: Ask) -> Answer:
        return Answer(200, self.herder.task_status(ask.path[0], _task(ask.path[1])))

    def restart(self, ask: Ask) -> Answer:
        tasks, failed = ask.flag("includeTasks"), ask.flag("onlyFailed")
        status = self.herder.restart(ask.path[0], tasks, failed)
        return Answer(202, status) if tasks or failed else Answer(204)

    def restart_task(self, ask: Ask) -> Answer:
        self.herder.restart_task(ask.path[0], _task(ask.path[1]))
        return Answer(204)

    def pause(self, ask: Ask) -> Answer:
        self.herder.target(ask.path[0], "PAUSED")
        return Answer(202)

    def resume(self, ask: Ask) -> Answer:
        self.herder.target(ask.path[0], "RUNNING")
        return Answer(202)

    def stop(self, ask: Ask) -> Answer:
        self.herder.target(ask.path[0], "STOPPED")
        return Answer(204)

    def topics(self, ask: Ask) -> Answer:
        return Answer(200, {ask.path[0]: {"topics": self.herder.topics(ask.path[0])}})

    def reset_topics(self, ask: Ask) -> Answer:
        self.herder.reset_topics(ask.path[0])
        return Answer(202)

    def offsets(self, ask: Ask) -> Answer:
        return Answer(200, {"offsets": self.herder.offsets(ask.path[0])})

    def patch_offsets(self, ask: Ask) -> Answer:
        body = fields(ask.json(), ("offsets",), "the request")
        if not body.get("offsets") and not isinstance(body.get("offsets"), dict | str):
            raise Refused(400, _NEEDS_OFFSETS)
        remark = self.herder.alter_offsets(ask.path[0], offsets_in(body["offsets"]))
        altered = "The offsets for this connector have been altered successfully"
        return Answer(200, {"message": f"{altered}. {remark}" if remark else altered})

    def delete_offsets(self, ask: Ask) -> Answer:
        self.herder.alter_offsets(ask.path[0], None)
        return Answer(200, {"message": "The offsets for this connector have been reset successfully"})

    def plugins(self, ask: Ask) -> Answer:
        shown = [{"class": one.name, "type": one.type, "version": one.version} for one in self.herder.plugins]
        return Answer(200, shown)

    def plugin_config(self, ask: Ask) -> Answer:
        plugin = self.herder.plugin_named(ask.path[0])
        if plugin is None:
            raise Refused(404, f"Unknown plugin {ask.path[0]}.")
        wanted = ask.query.get("version", ["latest"])[0]
        if wanted not in ("latest", plugin.version):
            raise Refused(
                400,
                f"Plugin {plugin.name} not found that matches the version range [{wanted},{wanted}], "
                f"available versions: [{plugin.version}]",
            )
        return Answer(200, plugin.definitions())

    def validate(self, ask: Ask) -> Answer:
        config = config_in(_present(ask.json()), "The configuration")
        included = config.get("connector.class")
        if included is not None and not fits(included, ask.path[0]):
            raise Refused(
                400, f"Included connector type {included} does not match request type {ask.path[0]}"
            )
        return Answer(200, self.herder.validate(config))


def _present(document: Any) -> Any:
    if document is None:
        raise Refused(400, "The configuration is missing: the body is empty or null")
    return document


def _task(text: str) -> int:
    """As Java reads an int in a path. Raises Refused (404)."""
    try:
        return parse_whole(text, 32)
    except ValueError:
        raise Refused(404, "HTTP 404 Not Found") from None


def _json_only(handler: Handler) -> Handler:
    """A body of another type is refused before anything is done, by those who do not read it, too."""

    def checked(ask: Ask) -> Answer:
        ask.require_json("*/*", "application/*")  # which Jersey lets pass until somebody reads the body
        return handler(ask)

    return checked


def _location(ask: Ask, name: str) -> str:
    """One segment, whatever the name: clients take ``/``, ``.`` and ``..`` for parts of the path."""
    segment = quote(name, safe="!$&'()*+,:;=@")
    return f"{ask.base}/connectors/{segment if name.strip('.') else segment.replace('.', '%2E')}"


def routes(api: Connect) -> dict[str, dict[str, Handler]]:
    """Path (``*`` is a segment left open) → method → handler."""
    one = "connectors/*"
    table: dict[str, dict[str, Handler]] = {
        "": {"GET": api.root},
        "connectors": {"GET": api.every, "POST": api.create},
        one: {"GET": api.get, "DELETE": api.delete},
        f"{one}/config": {"GET": api.config, "PUT": api.put_config, "PATCH": api.patch_config},
        f"{one}/status": {"GET": api.status},
        f"{one}/tasks": {"GET": api.tasks, "POST": api.internal},
        f"{one}/fence": {"PUT": api.internal},
        f"{one}/tasks/*/status": {"GET": api.task_status},
        f"{one}/tasks/*/restart": {"POST": api.restart_task},
        f"{one}/restart": {"POST": api.restart},
        f"{one}/pause": {"PUT": api.pause},
        f"{one}/resume": {"PUT": api.resume},
        f"{one}/stop": {"PUT": api.stop},
        f"{one}/topics": {"GET": api.topics},
        f"{one}/topics/reset": {"PUT": api.reset_topics},
        f"{one}/offsets": {
            "GET": api.offsets,
            "PATCH": api.patch_offsets,
            "DELETE": api.delete_offsets,
        },
        "connector-plugins": {"GET": api.plugins},
        "connector-plugins/*/config": {"GET": api.plugin_config},
        "connector-plugins/*/config/validate": {"PUT": api.validate},
    }
    return {path: {method: _json_only(one) for method, one in each.items()} for path, each in table.items()}
