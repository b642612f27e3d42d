"""The REST API in OpenAPI 3: one line a call. ``python -m bridge.api.describe`` writes docs/openapi.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from bridge.api.connect import VERSION
from bridge.api.v1.operation import Operation
from bridge.api.v1.routes import all_schemas, operations

_ONE, _CLOUD = "/connectors/{connector}", "/connect/v1/environments/{environment}/clusters/{cluster}"
_MINE: Final = _CLOUD + "/connectors/{connector}"

# method, path, what it does, schema of the body, success (status, schema of the answer or None), query parameters
CALLS: Final[tuple[tuple[str, str, str, str | None, dict[int, str | None], tuple[str, ...]], ...]] = (
    ("get", "/", "Version and cluster", None, {200: "Root"}, ()),
    ("get", "/health", "Whether the worker is ready", None, {200: "Health", 503: "Health"}, ()),
    ("get", "/connectors", "Names, or what expand asks for", None, {200: "Any"}, ("expand",)),
    ("post", "/connectors", "Create a connector", "Creation", {201: "Connector"}, ()),
    ("get", _ONE, "Configuration and tasks", None, {200: "Connector"}, ()),
    ("delete", _ONE, "Delete; the position is kept", None, {204: None}, ()),
    ("get", _ONE + "/config", "Configuration, secrets masked", None, {200: "Config"}, ()),
    ("put", _ONE + "/config", "Create or replace", "Config", {200: "Connector", 201: "Connector"}, ()),
    ("patch", _ONE + "/config", "Change; null removes a key", "Change", {200: "Connector"}, ()),
    ("get", _ONE + "/status", "State of connector and task", None, {200: "Status"}, ()),
    ("get", _ONE + "/tasks", "Tasks with their configuration", None, {200: "Any"}, ()),
    ("get", _ONE + "/tasks/{task}/status", "State of a task", None, {200: "State"}, ()),
    ("post", _ONE + "/tasks/{task}/restart", "Restart a task", None, {204: None}, ()),
    ("post", _ONE + "/restart", "Restart", None, {202: "Status", 204: None}, ("includeTasks", "onlyFailed")),
    ("put", _ONE + "/pause", "Pause", None, {202: None}, ()),
    ("put", _ONE + "/resume", "Go on", None, {202: None}, ()),
    ("put", _ONE + "/stop", "Stop", None, {204: None}, ()),
    ("get", _ONE + "/topics", "Topics written to", None, {200: "Any"}, ()),
    ("put", _ONE + "/topics/reset", "Forget them", None, {202: None}, ()),
    ("get", _ONE + "/offsets", "Committed position", None, {200: "Offsets"}, ()),
    ("patch", _ONE + "/offsets", "Move the position of a stopped connector", "Offsets", {200: "Message"}, ()),
    ("delete", _ONE + "/offsets", "Forget the position of a stopped connector", None, {200: "Message"}, ()),
    ("get", "/connector-plugins", "Connectors there are", None, {200: "Any"}, ("connectorsOnly",)),
    ("get", "/connector-plugins/{plugin}/config", "Properties", None, {200: "Any"}, ("version",)),
    ("put", "/connector-plugins/{plugin}/config/validate", "Validate", "Config", {200: "ConfigInfos"}, ()),
    ("get", "/admin/loggers", "Loggers and their levels", None, {200: "Any"}, ()),
    ("get", "/admin/loggers/{logger}", "Level of one", None, {200: "Any"}, ()),
    ("put", "/admin/loggers/{logger}", "Set a level", "Level", {200: "Any", 204: None}, ("scope",)),
    ("get", _CLOUD + "/connectors", "Names, or what expand asks for", None, {200: "Any"}, ("expand",)),
    ("post", _CLOUD + "/connectors", "Create a connector", "CloudCreation", {201: "Connector"}, ()),
    ("get", _MINE, "Configuration and tasks", None, {200: "Connector"}, ()),
    ("delete", _MINE, "Delete, the position too", None, {200: "Any"}, ()),
    ("get", _MINE + "/config", "Configuration, secrets masked", None, {200: "Config"}, ()),
    ("put", _MINE + "/config", "Create or replace", "Config", {200: "Connector"}, ()),
    ("get", _MINE + "/status", "State in the cloud's words", None, {200: "Status"}, ()),
    ("get", _MINE + "/tasks", "Tasks with their configuration", None, {200: "Any"}, ()),
    ("put", _MINE + "/pause", "Pause", None, {202: None}, ()),
    ("put", _MINE + "/resume", "Go on", None, {202: None}, ()),
    ("post", _MINE + "/restart", "Restart", None, {202: None}, ()),
    ("get", _MINE + "/offsets", "Committed position, with observed_at", None, {200: "Any"}, ()),
    ("post", _MINE + "/offsets/request", "Ask for another position", "OffsetsRequest", {202: "Any"}, ()),
    ("get", _MINE + "/offsets/request/status", "The most recent request", None, {200: "Any"}, ()),
    ("get", _CLOUD + "/connector-plugins", "Connectors there are", None, {200: "Any"}, ()),
    (
        "put",
        _CLOUD + "/connector-plugins/{plugin}/config/validate",
        "Validate",
        "Config",
        {200: "ConfigInfos"},
        (),
    ),
)


def _object(*required: str, **properties: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    return schema | ({"required": list(required)} if required else {})


def _closed(*required: str, **properties: Any) -> dict[str, Any]:
    """An object that holds nothing else: an unknown member of a request is refused."""
    return _object(*required, **properties) | {"additionalProperties": False}


_TEXT: Final = {"type": "string"}
_NAME: Final = {"type": "string", "minLength": 1}
_SEALED: Final = {
    "type": "array",
    "description": "Of a task that encrypts: for each event and subject the fields whose values are encrypted",
    "items": _object(
        event=_TEXT,
        subject=_TEXT,
        version={"type": "integer"},
        sealed={"type": "array", "items": _TEXT},
        payload={"type": "boolean"},
    ),
}
_CONFIG: Final = {"type": "object", "additionalProperties": {"type": "string"}}
_OFFSET: Final = _closed(
    "partition",
    "offset",
    partition={"type": "object"},
    offset={"type": "object", "nullable": True, "properties": {"replayId": {"type": "integer"}}},
)
_OFFSETS: Final = {"type": "array", "items": _OFFSET}
SCHEMAS: Final[dict[str, Any]] = {
    "Any": {},
    "Root": _object("version", version=_TEXT, commit=_TEXT, kafka_cluster_id=_TEXT),
    "Health": _object("status", "message", status=_TEXT, message=_TEXT),
    "Message": _object("message", message=_TEXT),
    "Config": _CONFIG,
    "Change": {"type": "object", "additionalProperties": {"type": "string", "nullable": True}},
    "Creation": _closed(
        "name",
        "config",
        name=_NAME,
        config=_CONFIG,
        initial_state={"type": "string", "enum": ["RUNNING", "PAUSED", "STOPPED"]},
    ),
    "CloudCreation": _closed("name", "config", name=_NAME, config=_CONFIG, offsets=_OFFSETS),
    "Connector": _object(
        "name", "config", "tasks", name=_TEXT, config=_CONFIG, tasks={"type": "array", "items": {}}
    ),
    "State": _object("state", "worker_id", state=_TEXT, worker_id=_TEXT, trace=_TEXT, sealed=_SEALED),
    "Status": _object(
        "name", "connector", "tasks", name=_TEXT, connector={}, tasks={"type": "array", "items": {}}
    ),
    "Offsets": _closed("offsets", offsets=_OFFSETS),
    "OffsetsRequest": _closed("type", type={"type": "string", "enum": ["PATCH", "DELETE"]}, offsets=_OFFSETS),
    "ConfigInfos": _object("name", "error_count", "configs", name=_TEXT, error_count={"type": "integer"}),
    "Level": _object("level", level=_TEXT),
    "Error": _object(
        error_code={"type": "integer"},
        message=_TEXT,
        error=_object(code={"type": "integer"}, message=_TEXT),
    ),
}


def document() -> dict[str, Any]:
    """The whole description."""
    paths: dict[str, Any] = {}
    for method, path, summary, body, answers, query in CALLS:
        call: dict[str, Any] = {
            "summary": summary,
            "parameters": [_parameter("query", name) for name in query],
        }
        call["parameters"] += [_parameter("path", part[1:-1]) for part in path.split("/") if part[:1] == "{"]
        if body is not None:
            call["requestBody"] = {"required": True, "content": _content(body)}
        call["responses"] = {
            str(status): {"description": "Done"} | ({"content": _content(schema)} if schema else {})
            for status, schema in answers.items()
        }
        for status in _REFUSALS:
            call["responses"][status] = {"$ref": f"#/components/responses/{status}"}
        paths.setdefault(path, {})[method] = call
    for one in operations():
        paths.setdefault(one.path, {})[one.method.lower()] = _ours(one)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "sfbridge worker",
            "version": VERSION,
            "description": "Kafka Connect's REST API, Confluent Cloud's Connect API, and the bridge's own additions "
            "for operators under /bridge/v1/; see docs/rest.md.",
        },
        "paths": paths,
        "components": {
            "schemas": {**SCHEMAS, **all_schemas()},
            "responses": {
                status: {"description": why, "content": _content("Error")}
                for status, why in {
                    **_REFUSALS,
                    "429": "Too many of them; Retry-After says when to ask again",
                }.items()
            },
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer"},
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-SFBridge-Token",
                    "description": "Beside the cookie of a sign-in, for all that changes something",
                },
            },
        },
        "security": [{}, {"basic": []}, {"bearer": []}, {"token": []}],
    }


def _ours(one: Operation[Any]) -> dict[str, Any]:
    """A call under ``/bridge/v1/``."""
    needed = "nobody is asked who they are" if one.role is None else f"role {one.role.word}"
    call: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": needed[0].upper() + needed[1:],
        "tags": ["bridge"],
        "parameters": [
            {"name": q.name, "in": "query", "required": False, "description": q.doc, "schema": dict(q.schema)}
            for q in one.query
        ],
    }
    call["parameters"] += [_parameter("path", part[1:-1]) for part in one.path.split("/") if part[:1] == "{"]
    if one.body is not None:
        content = _content(one.body)
        call["requestBody"] = {"required": one.needs_body, "content": content}
    call["responses"] = {
        str(status): {"description": "Done"} | ({"content": _content(schema)} if schema else {})
        for status, schema in one.answers.items()
    }
    for status in (*_REFUSALS, "429"):
        call["responses"].setdefault(status, {"$ref": f"#/components/responses/{status}"})
    return call


_REFUSALS: Final = {
    "400": "The request is wrong",
    "401": "Nobody known",
    "403": "Not in this role, or sent by a page of another origin",
    "404": "Not there",
    "405": "Not this method",
    "406": "Only JSON is answered",
    "409": "In conflict with another request, or no leader: ask again",
    "413": "Too large",
    "415": "Not JSON",
    "503": "Starting, or too many requests at once: ask again",
}


def _parameter(where: str, name: str) -> dict[str, Any]:
    return {"name": name, "in": where, "required": where == "path", "schema": {"type": "string"}}


def _content(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def text() -> str:
    """The description as YAML."""
    import yaml

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    return str(yaml.dump(document(), Dumper=Plain, sort_keys=False, allow_unicode=True, width=120))


if __name__ == "__main__":
    Path("docs/openapi.yaml").write_text(text())
