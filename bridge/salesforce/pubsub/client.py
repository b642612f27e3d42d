"""The three calls of the Pub/Sub API that a subscriber needs, as one login; their errors as what they ask for."""

from __future__ import annotations

import contextlib
import queue
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Final

import grpc
from attrs import define, field

from bridge import spans
from bridge.deadline import Interrupted
from bridge.errors import Fatal, Retriable, Stage
from bridge.salesforce.auth import Session
from bridge.salesforce.failures import Failure, SessionOver, Verdict
from bridge.salesforce.http import connect
from bridge.salesforce.pubsub import messages as wire
from bridge.salesforce.pubsub.channels import ENDPOINT, LINES, Address, Line
from bridge.salesforce.pubsub.refusals import code_of, failure_of
from bridge.waits import REQUEST

_CANNOT_CONNECT: Final = ("failed to connect", "resolv", "proxy", "handshak")
_NO_HTTP_2: Final = "alpn"


@define(eq=False)
class Client:
    """Uses one connection until ``close``. ``seconds``: the time limit of a call with one answer."""

    address: Address
    session: Session = field(repr=False)
    seconds: float
    _line: Line = field(init=False)
    _suspect: bool = False
    _under_way: list[Any] = field(factory=list)
    _ended: bool = False

    def __attrs_post_init__(self) -> None:
        self._line = LINES.take(self.address)

    def close(self) -> None:
        """Let go of the connection; others may use it on."""
        LINES.give_back(self.address, self._line, suspect=self._suspect)

    def distrust(self) -> None:
        """The connection may be dead: nobody shall begin anything on it."""
        self._suspect = True

    def cancel(self) -> None:
        """End whatever is under way, and what would begin. From any thread."""
        self._ended = True
        for call in list(self._under_way):
            call.cancel()

    def is_ended(self) -> bool:
        """Whether it was told to end whatever is under way."""
        return self._ended

    def check_topic(self, name: str) -> str:
        """``GetTopic``: it exists, and the user may subscribe to it; the id of its schema, empty for a channel of
        several events. Raises SessionOver, Fatal, Retriable."""
        answer = self._ask("GetTopic", wire.TopicRequest(topic_name=name), wire.TopicInfo)
        if not answer.can_subscribe:
            raise Fatal(
                f"Salesforce does not let the connector's user subscribe to {name}: give it read permission on the "
                "event",
                stage=Stage.SUBSCRIBE,
            )
        return str(answer.schema_id)

    def schema(self, schema_id: str) -> str:
        """``GetSchema``: the schema as JSON text. Raises alike."""
        answer = self._ask("GetSchema", wire.SchemaRequest(schema_id=schema_id), wire.SchemaInfo)
        return str(answer.schema_json)

    def subscribe(self, topic: str, preset: int, replay_id: bytes, count: int) -> Subscription:
        """``Subscribe``: begins, and asks for so many events."""
        call = self._line.channel.stream_stream(wire.path("Subscribe"), wire.FetchRequest.SerializeToString)
        first = wire.FetchRequest(
            topic_name=topic, replay_preset=preset, replay_id=replay_id, num_requested=count
        )
        requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        requests.put(first)
        responses = call(iter(requests.get, None), metadata=self._metadata())
        return Subscription(self._begun(responses), requests, count)

    def over(self, error: grpc.RpcError, *, asked_for_id: bool = True) -> SessionOver:
        """The end of a call that this error is. Raises Fatal or Retriable, in our own words, where no connection could
        be made."""
        failure = failure_of(error, (self.session.access_token,), asked_for_id=asked_for_id)
        if code_of(error) is None and error.code() is grpc.StatusCode.UNAVAILABLE:
            self._explain(failure)
        return SessionOver(failure)

    def _ask(self, name: str, request: Any, answer: Any) -> Any:
        call = self._line.channel.unary_unary(
            wire.path(name), type(request).SerializeToString, answer.FromString
        )
        try:
            with self._span(name):
                future = self._begun(call.future(request, timeout=self.seconds, metadata=self._metadata()))
                return future.result()
        except grpc.FutureCancelledError:
            raise SessionOver(Failure(Verdict.HANDSHAKE, f"{name} was given up")) from None
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED and code_of(error) is None:
                self.distrust()
                raise Retriable(
                    f"{self.address.url} did not answer {name} in time ({REQUEST.key}={self.seconds * 1000:.0f})",
                    stage=Stage.SUBSCRIBE,
                ) from None
            raise self.over(error) from None

    def _span(self, name: str) -> AbstractContextManager[spans.Span]:
        facts = {"rpc.system": "grpc", "rpc.method": name, **spans.server(self.address.url)}
        return spans.span(f"salesforce {name}", spans.CLIENT, facts)

    def _begun(self, call: Any) -> Any:
        self._under_way = [one for one in self._under_way if one.is_active()] + [call]
        if self._ended:
            call.cancel()
        return call

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        session = self.session
        return (
            ("accesstoken", session.access_token),
            ("instanceurl", session.instance_url),
            ("tenantid", session.org_id),
            ("x-client-trace-id", str(uuid.uuid4())),
        )

    def _explain(self, failure: Failure) -> None:
        """gRPC's words for a connection that cannot be made do not say what to change; ours do."""
        if not any(word in failure.text.lower() for word in _CANNOT_CONNECT):
            return
        try:
            connection = connect(
                self.address.url,
                self.address.settings,
                self.seconds,
                stage=Stage.SUBSCRIBE,
                named=ENDPOINT,
                stopped=lambda: self._ended,
            )
        except Interrupted:
            return
        connection.close()
        if _NO_HTTP_2 in failure.text.lower():
            raise Retriable(
                f"{self.address.url} speaks TLS and no HTTP/2: no Pub/Sub API is there, or what stands between takes "
                f"connections apart; check {ENDPOINT}",
                stage=Stage.SUBSCRIBE,
            )


@define(eq=False)
class Subscription:
    """One ``Subscribe`` call. ``outstanding`` is counted here: what the server says is pending does not know of
    requests that are under way."""

    _call: Any
    _requests: queue.SimpleQueue[Any]
    outstanding: int

    def confirmed(self) -> None:
        """Wait for the server's headers, or the end of the call; some servers send them with the first response."""
        opening = spans.span(
            "salesforce Subscribe", spans.CLIENT, {"rpc.system": "grpc", "rpc.method": "Subscribe"}
        )
        with contextlib.suppress(grpc.RpcError), opening:
            self._call.initial_metadata()

    def responses(self) -> Iterator[bytes]:
        """Each response as it came. Raises grpc.RpcError."""
        return iter(self._call)

    def ask(self, count: int) -> None:
        """So many events more."""
        self.outstanding += count
        self._requests.put(wire.FetchRequest(num_requested=count))

    def cancel(self) -> None:
        """End it, if it has not ended. From any thread."""
        self._call.cancel()
        self._requests.put(None)  # the thread of gRPC's that waits for requests
