"""A registry that answers otherwise than it was told: a proxy before the embedded one, with a lie for each case.

A case asks under a path of its own (``/<case>/subjects/…``). Everything that it is sent is kept.
"""

from __future__ import annotations

import base64
import copy
import http.client
import json
import os
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from bridge.sandbox.running import Running
from tests.leaks.cases import SECRET

Lie = Callable[[Any], Any]
FORGED_KEY: Final = os.urandom(32)
"""The key that a lying registry wants values to be encrypted with."""
_KEY_MATERIAL: Final = base64.b64encode(b"\x1a\x20" + FORGED_KEY).decode()
_OPTIONS: Final = re.compile(r"\s*\[\s*\(confluent\.field_meta\)[^;]*\]", re.DOTALL)


def _rules(change: Callable[[dict[str, Any]], Any]) -> Lie:
    def lie(answer: Any) -> Any:
        for phase in ("domainRules", "encodingRules"):
            for rule in (answer.get("ruleSet") or {}).get(phase) or ():
                change(rule)
        return answer

    return lie


def _dropped(answer: Any) -> Any:
    answer.pop("ruleSet", None)
    return answer


def _overridden(answer: Any) -> Any:
    """As an ``overrideRuleSet`` of the subject's config does: the rule's name stays, what it says goes."""
    if answer.get("ruleSet"):
        rules = answer["ruleSet"].get("domainRules") or [{"name": "pii"}]
        answer["ruleSet"] = {"domainRules": [{"name": rules[0]["name"], "type": "ENCRYPT", "tags": ["OTHER"],
                                              "kind": "TRANSFORM", "params": rules[0].get("params", {})}]}  # fmt: skip
    return answer


def _text(change: Callable[[str, Any], Any], protobuf: Callable[[str], str]) -> Lie:
    """A lie about the schema's text: ``change`` each list of fields or properties, by the format's word for it."""

    def lie(answer: Any) -> Any:
        if "schema" not in answer:
            return answer
        if answer.get("schemaType") == "PROTOBUF":
            return answer | {"schema": protobuf(answer["schema"])}
        return answer | {"schema": json.dumps(_walked(json.loads(answer["schema"]), change))}

    return lie


def _walked(node: Any, change: Callable[[str, Any], Any]) -> Any:
    if isinstance(node, dict):
        return {
            key: _walked(change(key, each), change) for key, each in node.items() if key != "confluent:tags"
        }
    return [_walked(each, change) for each in node] if isinstance(node, list) else node


def _without_field(word: str, node: Any) -> Any:
    if word == "fields" and isinstance(node, list):
        return [each for each in node if each.get("name") != SECRET]
    if word == "properties" and isinstance(node, dict):
        return {name: each for name, each in node.items() if name != SECRET}
    return node


def _stripped(answer: Any) -> Any:
    if answer.get("metadata"):
        answer["metadata"].pop("tags", None)
    return _text(lambda word, node: node, lambda text: _OPTIONS.sub("", text))(answer)


_OTHER_SCHEMA: Final = _text(_without_field, lambda text: re.sub(rf"[^;{{]*\b{SECRET} = \d+[^;]*;", "", text))


def _forged(answer: Any) -> Any:
    if "kmsType" in answer:
        answer["shared"] = True
    if "encryptedKeyMaterial" in answer or "kekName" in answer:
        answer["keyMaterial"] = _KEY_MATERIAL
    return answer


LIES: Final[dict[str, Lie]] = {
    "as registered": lambda answer: answer,
    "rules dropped": _dropped,
    "disabled": _rules(lambda rule: rule.update(disabled=True)),
    "other tags": _rules(lambda rule: rule.update(tags=["OTHER"])),
    "override": _overridden,
    "only for readers": _rules(lambda rule: rule.update(mode="READ")),
    "tags stripped": _stripped,
    "other schema": _OTHER_SCHEMA,
    "key answers changed": _forged,
}


class LyingRegistry(Running):
    """A context manager. ``lies``: case → the lie in force; nobody lies where there is none."""

    def __init__(self, url: str) -> None:
        self.lies: dict[str, Lie] = {}
        self.sent: list[bytes] = []
        self.told = 0
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 0
        self._local = threading.local()
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                registry.sent.append(f"{self.command} {unquote(self.path)}\n{self.headers}".encode() + body)
                case, _, path = self.path.lstrip("/").partition("/")
                status, text = registry.passed_on(case, self.command, f"/{path}", dict(self.headers), body)
                self.send_response(status)
                self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_DELETE = _answer

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="lying registry", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def passed_on(
        self, case: str, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes]:
        """The registry's answer, with what the case's lie makes of it."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=30)
        kept = {name: value for name, value in headers.items() if name.lower() not in ("host", "connection")}
        connection.request(method, path, body or None, kept)
        response = connection.getresponse()
        text, status = response.read(), response.status
        connection.close()
        lie = self.lies.get(case)
        if lie is not None and status == 200 and text.startswith(b"{"):
            truth = json.loads(text)
            told = lie(copy.deepcopy(truth))
            if told != truth:
                self.told += 1
                text = json.dumps(told).encode()
        return status, text
