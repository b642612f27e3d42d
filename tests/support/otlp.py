"""An OTLP collector in a thread: what exporters send over HTTP, as bytes and as messages."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """``status`` is what it answers; ``silent``: it takes requests and never answers them."""

    def __init__(self, status: int = 200, *, silent: bool = False) -> None:
        self.received: list[tuple[str, bytes]] = []
        self._end = threading.Event()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                packed = self.headers.get("Content-Encoding") == "gzip"
                collector.received.append((self.path, gzip.decompress(body) if packed else body))
                if silent:
                    collector._end.wait()
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(
            target=self._server.serve_forever, daemon=True, kwargs={"poll_interval": 0.02}
        ).start()

    def __enter__(self) -> Collector:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._server.shutdown()
        self._server.server_close()

    def everything(self) -> bytes:
        """All bodies."""
        return b"\n".join(body for _, body in self.received)

    def _traces(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.FromString(b) for path, b in self.received if path == "/v1/traces"]

    def spans(self) -> list[Span]:
        """Every span received."""
        return [
            span
            for request in self._traces()
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def lines(self) -> list[LogRecord]:
        """Every log line received."""
        requests = [ExportLogsServiceRequest.FromString(b) for path, b in self.received if path == "/v1/logs"]
        return [
            line
            for request in requests
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for line in scope.log_records
        ]

    def services(self) -> set[str]:
        """The service names of all that sent spans."""
        return {
            str(values(one.resource.attributes)["service.name"])
            for request in self._traces()
            for one in request.resource_spans
        }


def values(attributes: Any) -> dict[str, object]:
    """Attributes of a message by name: texts and whole numbers."""
    return {
        one.key: one.value.int_value if one.value.HasField("int_value") else one.value.string_value
        for one in attributes
    }
