"""A registry in a thread, scripted: enough of the REST API for the client, faults on demand."""

from __future__ import annotations

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

CONTENT = "application/vnd.schemaregistry.v1+json"


class RegistryServer:
    """``faults`` are answered first: (status, content type, body, headers)."""

    def __init__(self) -> None:
        self.subjects: dict[str, list[dict[str, Any]]] = {}
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.faults: deque[tuple[int, str, str, dict[str, str]]] = deque()
        self.config: dict[str, Any] = {}
        self.falls_through = True
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments: Any) -> None:
                pass

            def do(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                server.requests.append((self.command, self.path, dict(self.headers), body))
                if server.faults:
                    status, content, text, headers = server.faults.popleft()
                else:
                    status, answer = server.answer(self.command, self.path, body)
                    content, text, headers = CONTENT, json.dumps(answer), {}
                self.send_response(status)
                self.send_header("Content-Type", content)
                self.send_header("Content-Length", str(len(text.encode())))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = do_PUT = do

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(
            target=self._server.serve_forever, daemon=True, kwargs={"poll_interval": 0.02}
        ).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fail(self, status: int, body: Any = "", content: str = CONTENT, **headers: str) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        self.faults.append((status, content, text, headers))

    def put(self, subject: str, schema: str, **more: Any) -> dict[str, Any]:
        versions = self.subjects.setdefault(subject, [])
        context = subject.split(":")[1] if subject.startswith(":.") else ""
        ids = [
            v["id"]
            for s, vs in self.subjects.items()
            for v in vs
            if s.startswith(f":{context}:") == bool(context)
        ]
        kept = {k: v for k, v in more.items() if v}
        version = {
            "subject": subject,
            "version": len(versions) + 1,
            "id": max(ids, default=0) + 1,
            "schema": schema,
        }
        versions.append(version | {"schemaType": "AVRO"} | kept)
        return versions[-1]

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        parts = [unquote(p) for p in urlsplit(path).path.strip("/").split("/")]
        if parts[0] == "config":
            if method == "PUT":
                self.config |= body
                return 200, body
            return (200, self.config) if self.config else (404, {"error_code": 40408, "message": "none"})
        if parts[:2] == ["schemas", "ids"]:
            found = [v for vs in self.subjects.values() for v in vs if v["id"] == int(parts[2])]
            return (
                (200, {"schema": found[-1]["schema"]})
                if found
                else (404, {"error_code": 40403, "message": "no"})
            )
        if parts[0] == "compatibility":
            return 200, {"is_compatible": False, "messages": [INCOMPATIBLE]}
        return self._subject(method, parts, body)

    def _subject(self, method: str, parts: list[str], body: Any) -> tuple[int, Any]:
        subject = parts[1]
        versions = self.subjects.get(subject)
        if versions is None and method == "GET" and len(parts) == 4 and self.falls_through:
            versions = next((v for s, v in self.subjects.items() if s.endswith(f":{subject}")), None)
        if method == "POST" and len(parts) == 3:
            known = [v for v in versions or () if v["schema"] == body["schema"]]
            made = known[0] if known else self.put(subject, **_camel(body))
            return 200, {"id": made["id"], "version": made["version"]}
        if versions is None:
            return 404, {"error_code": 40401, "message": f"Subject '{subject}' not found."}
        if method == "POST":
            known = [v for v in versions if v["schema"] == body["schema"]]
            return (200, known[0]) if known else (404, {"error_code": 40403, "message": "Schema not found"})
        if len(parts) == 3:
            return 200, [v["version"] for v in versions]
        number = len(versions) if parts[3] == "latest" else int(parts[3])
        if number > len(versions):
            return 404, {"error_code": 40402, "message": f"Version {number} not found."}
        return 200, versions[number - 1]


def _camel(body: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in body.items() if k in ("schema", "metadata", "ruleSet", "references")}


INCOMPATIBLE = (
    "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'must' at path '/fields/3' in the new "
    "schema has no default value and is missing in the old schema', additionalInfo:'must'}"
)
