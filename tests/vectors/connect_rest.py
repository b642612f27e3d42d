"""Replays a recording of Kafka Connect's REST API against the worker's, from an empty service.

Status, body, Content-Type, Location and Allow are compared, bodies as parsed JSON, volatile fields and plug-in
documentation left out, lists of names without order. Each comparison is named ``<kind>/<exchange>``: the kind says what
sort of difference it would be, and ``deviations.yaml`` sets whole kinds aside, with the reason that docs/rest.md gives.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from bridge.api.exchange import Answer
from tests.support.memory_worker import WORKER, MemoryWorker
from tests.vectors.connect_stubs import World, stubs

_VOLATILE = {"kafka_cluster_id", "commit", "version", "worker_id", "last_modified", "trace"}
_PARSER = re.compile(
    r"Unrecognized token|Unexpected end-of-input|Unexpected character|Cannot deserialize|Cannot construct|"
    r"Cannot invoke|Unrecognized field|Illegal character|Duplicate field|Invalid |JsonToken|"
    r"available connectors are|Cannot coerce|Trailing token|Unexpected close marker|Non-standard token|"
    r"Unrecognized character escape|Illegal unquoted character|Document nesting depth|No content to map|"
    r"Numeric value|Leading zeroes|contains no connector type"
)
_WHOLE_CONFIG = re.compile(r"Connector config \{.*\} contains no connector type", re.DOTALL)
"""Kafka Connect repeats every value of the configuration; the bridge those of name and topic, which are no secrets."""


def check(path: Path) -> Iterator[tuple[str, str | None]]:
    """Every exchange: its name with the kind of the difference, and the difference."""
    world = World()
    worker = MemoryWorker(stubs(world))
    levels = _levels()
    try:
        for line in path.read_text("utf-8").splitlines():
            exchange = json.loads(line)
            if "request" in exchange:
                yield from _replay(worker, world, exchange)
    finally:
        worker.stop()
        for name in _levels():  # the next recording begins with loggers of this process as it found them
            logging.getLogger(name).setLevel(levels.get(name, logging.NOTSET))


def _levels() -> dict[str, int]:
    """Of the loggers that have a level of their own, and of the root (an empty name)."""
    every = {
        name: one for name, one in logging.root.manager.loggerDict.items() if isinstance(one, logging.Logger)
    }
    return {name: one.level for name, one in {"": logging.root, **every}.items() if one.level}


def _replay(worker: MemoryWorker, world: World, exchange: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Status and body; where they agree, the headers."""
    asked, told = exchange["request"], exchange["response"]
    worker.settle()
    _grow(worker, world, asked, told)
    headers = {key.lower(): value for key, value in asked["headers"].items()} | {"host": WORKER}
    body = (asked["body"] or "").encode()
    found = worker.site.answer(asked["method"], asked["path"], headers, body, f"http://{WORKER}")
    text = found.content().decode()
    kind, difference = _compare(asked, told, found.status, text)
    yield f"{kind}/{exchange['name']}", difference
    if difference is None:
        kind, difference = _compare_headers(kind, asked, told, found)
        yield f"{kind}/{exchange['name']}, headers", difference


def _compare_headers(
    kind: str, asked: dict[str, Any], told: dict[str, Any], found: Answer
) -> tuple[str, str | None]:
    """Content-Type, the path of Location, the methods of Allow."""
    wanted = {name.lower(): text for name, text in told["headers"]}
    got = {name.lower(): text for name, text in found.headers.items()}
    types = wanted.get("content-type"), found.media_type()
    untyped = told["body"] or (
        asked["method"] == "HEAD" and told["status"] >= 400
    )  # which has none to record
    if untyped and types == (None, "application/json"):
        return "untyped-body", "Content-Type application/json instead of none"
    if types[0] != types[1] and (types[0] or "").partition(";")[0] == types[1]:
        return "type-with-parameters", f"{types[1]} instead of {types[0]}"
    if types[0] != types[1] and asked["method"] == "OPTIONS" and types[1] is None:
        return "typed-without-body", f"no Content-Type instead of {types[0]}"
    if types[0] != types[1]:
        return kind, f"Content-Type {types[1]} instead of {types[0]}"
    paths = [urlsplit(each.get("location", "")).path for each in (wanted, got)]
    if paths[0] != paths[1]:
        segment = paths[0].removeprefix("/connectors/")
        quoted = "/" in segment and segment.replace("/", "%2F") == paths[1].removeprefix("/connectors/")
        return "location-of-one-segment" if quoted else kind, f"Location {paths[1]} instead of {paths[0]}"
    allowed = [set(each.get("allow", "").split(",")) for each in (wanted, got)]
    if "allow" in wanted and allowed[0] != allowed[1]:
        return kind, f"Allow {got.get('allow')} instead of {wanted['allow']}"
    return kind, None


def _grow(worker: MemoryWorker, world: World, asked: dict[str, Any], told: dict[str, Any]) -> None:
    """The file that the recorded connector read grew meanwhile: as far as the next answer shows."""
    match = re.fullmatch(r"/connectors/([^/]+)/(offsets|topics)", asked["path"])
    if asked["method"] != "GET" or match is None or told["status"] != 200:
        return
    name, answer = unquote(match[1]), json.loads(told["body"])
    status = worker.state.tasks.get(name)
    config = worker.state.configs.get(name, {})
    if status is None or status.state != "RUNNING" or "FileStream" not in config.get("connector.class", ""):
        return
    positions = [one["offset"].get("position") for one in answer.get("offsets", ())]
    if positions and positions[0] != world.length:
        world.length = positions[0]
        world.lines += 1
    elif match[2] == "topics" and answer[name]["topics"] and not worker.state.topics.get(name):
        world.lines += 1
    worker.state.wait(lambda: False, 0.3)


def _compare(asked: dict[str, Any], told: dict[str, Any], status: int, text: str) -> tuple[str, str | None]:
    refused = told["status"] == 400 and re.search(
        r"%2[Ff]|%25|%5[Cc]|//|\\\\", asked["path"].partition("?")[0]
    )
    if told["body"].lstrip().startswith("<html") or refused:
        kind = "web-server-page" if status == told["status"] else "same"
        return kind, f"{status} and JSON instead of a page with {told['status']}"
    wanted, got = _parsed(told["body"]), _parsed(text)
    if told["status"] == status == 400 and told["body"] == "" and got != "":
        return "bare-refusal", f"{got} instead of no body"
    if isinstance(wanted, dict) and set(wanted) == {"message", "url", "status"} and wanted["status"] == "400":
        return "bare-refusal" if status == 400 else "same", f"{status}: {got} instead of the web server's 400"
    if isinstance(wanted, dict) and set(wanted) == {"message", "url", "status"}:
        return "starting", f"{status} instead of {told['status']}"
    if told["status"] == 409 and "rebalance" in told["body"] and status != 409:
        return "rebalance", f"{status} instead of 409"
    kind = _kind(asked, told, status)
    if told["status"] == 500 and 400 <= status < 500:
        if _PARSER.search(str(wanted.get("message"))) or _message(wanted) == _message(got):
            return "clients-mistake", f"{status} instead of 500"
        return kind, f"{status}: {got} instead of {wanted}"
    if told["status"] != status:
        return kind, f"{status} instead of {told['status']}: {text[:300]}"
    if isinstance(wanted, dict) and "error_code" in wanted and _PARSER.search(str(wanted.get("message"))):
        wanted = {**wanted, "message": _cause(wanted)}
        got = {**got, "message": _cause(got)} if isinstance(got, dict) else got
    wanted, got = _clean(_shortened(wanted)), _clean(_shortened(got))
    if asked["path"].rstrip("/").endswith("/admin/loggers"):
        return "loggers", None if wanted == got else "other loggers"
    return kind, None if wanted == got else f"{_where(wanted, got)}"


def _kind(asked: dict[str, Any], told: dict[str, Any], status: int) -> str:
    path = asked["path"]
    if path.startswith("/connector-plugins") and "connectorsOnly=" in path and "=true" not in path:
        return "only-connectors"
    plugin = re.match(r"/connector-plugins/([^/]+)/config$", path)
    if plugin and status == 404 and told["status"] == 200:
        return "only-connectors"
    if "transforms." in (asked["body"] or "") or '"transforms"' in (asked["body"] or ""):
        return "stub-without-transforms"
    if "producer.override" in (asked["body"] or ""):
        return "stub-without-overrides"
    if asked["method"] == "POST" and path.endswith("/restart") and told["status"] == 500:
        return "restart-is-answered-at-once"
    return "same"


def _shortened(body: Any) -> Any:
    """Without what is repeated of a configuration."""
    if not isinstance(body, dict) or "error_code" not in body:
        return body
    short = _WHOLE_CONFIG.sub("Connector config {…} contains no connector type", str(body.get("message")))
    return {**body, "message": short}


def _message(body: Any) -> str:
    text = str(body.get("message")) if isinstance(body, dict) else ""
    return re.sub(r"^[\w.$]+Exception: ", "", text)


def _cause(body: Any) -> str:
    """The sentence without what a parser or a Java class list adds."""
    return re.sub(r"(available connectors are|\n at \[Source).*", "", _message(body), flags=re.S).strip(", ")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _clean(value: Any) -> Any:
    if isinstance(value, list):
        cleaned = [_clean(one) for one in value]
        return sorted(cleaned) if all(isinstance(one, str) for one in cleaned) else cleaned
    if isinstance(value, dict):
        volatile = {key for key in _VOLATILE if key in value}
        dropped = {"documentation", "recommended_values"}
        return {k: "*" if k in volatile else _clean(v) for k, v in value.items() if k not in dropped}
    return value


def _where(wanted: Any, got: Any, path: str = "") -> str:
    """The first place where the two differ."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        for key in dict.fromkeys([*wanted, *got]):
            if wanted.get(key, "(absent)") != got.get(key, "(absent)"):
                return _where(wanted.get(key, "(absent)"), got.get(key, "(absent)"), f"{path}.{key}")
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        for index, (one, other) in enumerate(zip(wanted, got, strict=True)):
            if one != other:
                return _where(one, other, f"{path}[{index}]")
    return f"{path}: {str(got)[:200]!r} instead of {str(wanted)[:200]!r}"
