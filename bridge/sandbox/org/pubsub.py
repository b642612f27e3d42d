"""The Pub/Sub API of the simulated org: ``GetTopic``, ``GetSchema`` and ``Subscribe`` over TLS, on the same bus.

Rules and error codes are those of Salesforce's Pub/Sub API guide: at most 100 events asked for and not delivered,
more is cut; a message without events as keep-alive; the end of a stream of which nothing is asked for a minute; an
access token that counts when a call begins.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NoReturn

import grpc
from attrs import define, field, frozen

from bridge.salesforce.pubsub import messages as wire
from bridge.sandbox.org import faults as at
from bridge.sandbox.org.avro import Deliverer, replay_bytes
from bridge.sandbox.org.bus import EventBus
from bridge.sandbox.org.faults import Faults
from bridge.sandbox.org.log import ALL_RETAINED, NEW_ONLY, ChannelLog, InvalidReplayId
from bridge.sandbox.org.oauth import Tokens
from bridge.sandbox.org.schemas import compact
from bridge.sandbox.running import Running
from bridge.sandbox.server import HOST
from bridge.sandbox.tls import Certificate

PREFIX: Final = "sfdc.platform.eventbus.grpc."
RESET: Final = "RST_STREAM closed stream. HTTP/2 error code: NO_ERROR"
_STATUSES: Final = (
    ("auth.headers", grpc.StatusCode.INVALID_ARGUMENT),
    ("auth", grpc.StatusCode.UNAUTHENTICATED),
    ("permission", grpc.StatusCode.PERMISSION_DENIED),
    ("cannot.subscribe", grpc.StatusCode.PERMISSION_DENIED),
    ("license", grpc.StatusCode.PERMISSION_DENIED),
    ("topic.not.found", grpc.StatusCode.NOT_FOUND),
    ("schema.not.found", grpc.StatusCode.NOT_FOUND),
    ("unavailable", grpc.StatusCode.UNAVAILABLE),
    ("protection", grpc.StatusCode.RESOURCE_EXHAUSTED),
    ("limit.exceeded", grpc.StatusCode.RESOURCE_EXHAUSTED),
    ("internal", grpc.StatusCode.INTERNAL),
    ("repeated", grpc.StatusCode.INTERNAL),
)


@frozen
class Settings:
    """How the API behaves; times in seconds. ``max_events`` and ``max_bytes`` bound one response."""

    keepalive: float = 270.0
    idle: float = 60.0
    outstanding: int = 100
    max_events: int = 100
    max_bytes: int = 3 << 20
    retention: float = 72 * 3600.0
    early: bool = True
    """Whether a subscription is answered with headers at once; else they come with the first response."""
    tail: bytes = b"\0\0"
    """What follows the number of a replay id."""


@define(eq=False)
class _Stream:
    """One ``Subscribe`` call: what was asked for, and where in the log its next event is."""

    topic: str
    log: ChannelLog
    position: int
    pending: int = 0
    asked_at: float = field(factory=time.monotonic)
    said_at: float = field(factory=time.monotonic)
    over: bool = False  # the client is gone, or has said that it asks for nothing more
    reset: bool = False
    refused: str | None = None
    changed: threading.Condition = field(factory=threading.Condition)

    def wake(self) -> None:
        with self.changed:
            self.changed.notify_all()


class PubSub(Running):
    """The server, on 127.0.0.1. ``counters`` says how often each call came."""

    def __init__(
        self,
        bus: EventBus,
        tokens: Tokens,
        faults: Faults,
        certificate: Certificate,
        *,
        org_id: Callable[[], str],
        port: int = 0,
        settings: Settings | None = None,
    ) -> None:
        self._bus, self._tokens, self._faults, self._org_id = bus, tokens, faults, org_id
        self.settings = settings or Settings()
        self.counters: dict[str, int] = {}
        self._deliverer = Deliverer(bus)
        self._streams: set[_Stream] = set()
        self._lock = threading.Lock()
        options = (
            ("grpc.so_reuseport", 0),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", 1000),
            ("grpc.http2.max_ping_strikes", 0),
        )
        workers = ThreadPoolExecutor(max_workers=256, thread_name_prefix="sandbox-pubsub")
        self._server = grpc.server(workers, options=options)
        self._server.add_generic_rpc_handlers((self._handlers(),))
        pem = certificate.server_file.read_bytes()
        self.port: int = self._server.add_secure_port(
            f"{HOST}:{port}", grpc.ssl_server_credentials([(pem, pem)])
        )

    @property
    def endpoint(self) -> str:
        """As in ``bridge.pubsub.endpoint``."""
        return f"localhost:{self.port}"

    def start(self) -> None:
        """Accept calls."""
        self._server.start()

    def stop(self) -> None:
        """End every stream, and listen no more."""
        self.reset()
        self._server.stop(0.2).wait(5)

    def wake(self, channel: str) -> None:
        """Something was published. Any thread."""
        with self._lock:
            streams = [stream for stream in self._streams if stream.topic == channel]
        for stream in streams:
            stream.wake()

    def reset(self) -> None:
        """Cut every stream, as a load balancer does."""
        with self._lock:
            streams = list(self._streams)
        for stream in streams:
            stream.reset = True
            stream.wake()

    def state(self) -> dict[str, Any]:
        """Who subscribes to what, and how often each call came."""
        with self._lock:
            return {"streams": sorted(s.topic for s in self._streams), "calls": dict(self.counters)}

    # ---- the calls -------------------------------------------------------------------------------------

    def _handlers(self) -> Any:
        return grpc.method_handlers_generic_handler(
            wire.SERVICE,
            {
                "GetTopic": grpc.unary_unary_rpc_method_handler(
                    self._topic, wire.TopicRequest.FromString, wire.TopicInfo.SerializeToString
                ),
                "GetSchema": grpc.unary_unary_rpc_method_handler(
                    self._schema, wire.SchemaRequest.FromString, wire.SchemaInfo.SerializeToString
                ),
                "Subscribe": grpc.stream_stream_rpc_method_handler(
                    self._subscribe, wire.FetchRequest.FromString, wire.FetchResponse.SerializeToString
                ),
            },
        )

    def _topic(self, request: Any, context: Any) -> Any:
        self._begin("GetTopic", at.TOPIC, context)
        if not request.topic_name:
            self._abort(context, "topic.validation.empty", "The topic name is empty.")
        name = request.topic_name
        self._log(name, context)
        member = name.rpartition("/")[2]
        known = member in self._bus.definitions
        return wire.TopicInfo(
            topic_name=name,
            tenant_guid=f"core/prod/{self._org_id()}",
            can_publish=True,
            can_subscribe=True,
            schema_id=self._bus.schema_id(member) if known else "",
            rpc_id=str(uuid.uuid4()),
        )

    def _schema(self, request: Any, context: Any) -> Any:
        self._begin("GetSchema", at.SCHEMA, context)
        definition = self._bus.by_schema.get(request.schema_id)
        if definition is None:
            self._abort(context, "schema.not.found", f"Schema {request.schema_id} is not known.")
        document = {key: value for key, value in compact(definition).items() if key != "uuid"}
        return wire.SchemaInfo(
            schema_json=json.dumps(document), schema_id=request.schema_id, rpc_id=str(uuid.uuid4())
        )

    def _subscribe(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        self._begin("Subscribe", at.SUBSCRIBING, context)
        first = next(requests, None)
        if first is None:
            return
        stream = self._opened(first, context)
        with self._lock:
            self._streams.add(stream)
        context.add_callback(lambda: self._left(stream))
        try:
            if self.settings.early:
                context.send_initial_metadata(())
            threading.Thread(target=self._listen, args=(requests, stream), daemon=True).start()
            yield from self._deliver(stream, context)
        finally:
            self._left(stream)

    def _opened(self, first: Any, context: Any) -> _Stream:
        log = self._log(first.topic_name, context)
        if first.num_requested <= 0:
            text = "The number of requested events must be above 0."
            self._abort(context, "subscription.fetch.requested.events.invalid", text)
        log.expire(time.time() - self.settings.retention)
        replay = {wire.LATEST: NEW_ONLY, wire.EARLIEST: ALL_RETAINED}.get(first.replay_preset)
        if replay is None and not first.replay_id:
            text = "A custom replay needs a replay id."
            self._abort(context, "subscription.fetch.replayid.validation.failed", text)
        try:
            number = self._number(first.replay_id) if replay is None else replay
            position = log.start(number, newest=self._bus.last_id)
        except InvalidReplayId:
            text = "The Replay ID validation failed. Ensure that the Replay ID is valid."
            self._abort(context, "subscription.fetch.replayid.corrupted", text)
        return _Stream(first.topic_name, log, position, min(first.num_requested, self.settings.outstanding))

    def _listen(self, requests: Iterator[Any], stream: _Stream) -> None:
        """Later requests only add to what is asked for."""
        try:
            for request in requests:
                with stream.changed:
                    if request.topic_name and request.topic_name != stream.topic:
                        stream.refused = "subscription.fetch.topic.mismatch"
                    elif request.num_requested <= 0:
                        stream.refused = "subscription.fetch.requested.events.invalid"
                    self.counters["asked"] = self.counters.get("asked", 0) + 1
                    asked = stream.pending + request.num_requested
                    if asked > self.settings.outstanding:
                        self.counters["cut"] = self.counters.get("cut", 0) + 1
                    stream.pending = min(asked, self.settings.outstanding)
                    stream.asked_at = time.monotonic()
                    stream.changed.notify_all()
        except Exception:  # noqa: S110 - the call is over, however it ended
            pass
        with stream.changed:
            stream.over = True
            stream.changed.notify_all()

    def _deliver(self, stream: _Stream, context: Any) -> Iterator[Any]:
        while True:
            with stream.changed:
                stream.changed.wait_for(lambda: self._due(stream), self._patience(stream))
            if stream.refused:
                self._abort(context, stream.refused, "The request is not valid.")
            if stream.reset:
                self._abort(context, None, RESET)
            if stream.over or not context.is_active() or (not stream.pending and self._patience(stream) <= 0):
                return
            response = self._next(stream)
            if response is None:
                continue
            if not (yield from self._spoiled(response, context)):
                return
            stream.said_at = time.monotonic()

    def _due(self, stream: _Stream) -> bool:
        waits = stream.pending > 0 and stream.log.has_after(stream.position)
        return waits or stream.reset or stream.over or stream.refused is not None

    def _patience(self, stream: _Stream) -> float:
        """Seconds until something has to be said, or the stream is ended for idleness."""
        now = time.monotonic()
        if stream.pending:
            return stream.said_at + self.settings.keepalive - now
        return max(stream.said_at, stream.asked_at) + self.settings.idle - now

    def _next(self, stream: _Stream) -> Any | None:
        """A response with events, or a keep-alive that is due."""
        settings, latest = self.settings, self._bus.last_id  # before the log is looked at
        with stream.changed:
            most = min(stream.pending, settings.max_events)
            if most and stream.log.has_after(stream.position):
                messages, stream.position = stream.log.read(stream.position, most, settings.max_bytes)
                stream.pending -= len(messages)
            elif not stream.pending or self._patience(stream) > 0:
                return None
            else:
                messages = []
        events = [self._deliverer.event(message, settings.tail) for message in messages]
        latest = events[-1][1] if events else latest
        return wire.FetchResponse(
            events=[event for event, _ in events],
            latest_replay_id=replay_bytes(latest, settings.tail),
            rpc_id=str(uuid.uuid4()),
            pending_num_requested=stream.pending,
        )

    def _spoiled(self, response: Any, context: Any) -> Generator[Any, None, bool]:
        """The response, or what an armed fault makes of it; False where the stream ends with that."""
        fault = self._faults.take(at.FETCH, len(response.events))
        match fault.kind if fault else None:
            case "pubsub_end":
                return False
            case "pubsub_silent":
                while context.is_active():
                    time.sleep(0.05)
                return False
            case "pubsub_reset":
                del response.events[len(response.events) // 2 :]
                if response.events:
                    response.latest_replay_id = response.events[-1].replay_id
                    yield response
                self._abort(context, None, RESET)
            case "pubsub_error":
                assert fault is not None
                self._abort(context, str(fault.options.get("code", "service.unavailable")), "As armed.")
            case "pubsub_slow":
                assert fault is not None
                time.sleep(float(fault.options.get("seconds", 2)))
        yield response
        return True

    # ---- refusals --------------------------------------------------------------------------------------

    def _begin(self, call: str, point: str, context: Any) -> None:
        """What every call begins with: who asks, and the fault that is armed for it."""
        self.counters[call] = self.counters.get(call, 0) + 1
        given = dict(context.invocation_metadata())
        if not given.get("instanceurl") or given.get("tenantid") != self._org_id():
            self._abort(context, "service.auth.headers.invalid", "tenantid or instanceurl is not valid.")
        if not self._tokens.valid(f"Bearer {given.get('accesstoken', '')}"):
            self._abort(context, "service.auth.error", "An authentication exception occurred.")
        fault = self._faults.take(point)
        if fault is not None:
            code = str(fault.options.get("code", _DEFAULTS[point]))
            self._abort(context, code, str(fault.options.get("text", "As armed.")))

    def _number(self, replay_id: bytes) -> int:
        """Of 8 bytes, or with the tail that ids have. Raises InvalidReplayId."""
        bare = len(replay_id) == 8 and not any(self.settings.tail)
        if len(replay_id) < 8 or not (bare or replay_id[8:] == self.settings.tail):
            raise InvalidReplayId
        return int.from_bytes(replay_id[:8], "big")

    def _log(self, topic: str, context: Any) -> ChannelLog:
        log = self._bus.logs.get(topic)
        if log is None:
            self._abort(context, "topic.not.found", f"Topic {topic} is not found.")
        return log

    def _abort(self, context: Any, code: str | None, text: str) -> NoReturn:
        """End the call with an error; ``code`` without its prefix, None as of a proxy between."""
        rpc = str(uuid.uuid4())
        if code is None:
            context.abort(grpc.StatusCode.UNAVAILABLE, text)
        context.set_trailing_metadata((("error-code", PREFIX + str(code)), ("rpc-id", rpc)))
        context.abort(_status(str(code)), f"{text} rpcId: {rpc}")
        raise AssertionError("abort raises")

    def _left(self, stream: _Stream) -> None:
        with self._lock:
            self._streams.discard(stream)
        stream.over = True
        stream.wake()


_DEFAULTS: Final = {
    at.SUBSCRIBING: "service.unavailable",
    at.SCHEMA: "schema.api.unavailable",
    at.TOPIC: "topic.api.unavailable",
}


def _status(code: str) -> Any:
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    return next((status for word, status in _STATUSES if word in code), invalid)
