"""What the end of a call means: Salesforce's ``error-code`` in the trailers, else the gRPC status.

Codes and what to do about them: Pub/Sub API guide, *Handle Errors*. The same condition comes with several statuses, so
the code decides; a status alone is the word of a proxy between, or of the client library.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import grpc
from attrs import frozen

from bridge.errors.words import words
from bridge.salesforce.failures import Failure, Verdict

PREFIX: Final = "sfdc.platform.eventbus.grpc."
ENDED: Final = Failure(Verdict.HANDSHAKE, "Salesforce ended the stream")

_NAME = "check the event's API name (upper and lower case count), that it is deployed, and for change events selected"
_RIGHTS = (
    "give the connector's user API access and read permission on the event (for change events View All Data)"
)
_OURS = "this is a fault of the bridge"


@frozen
class Meaning:
    """Of one code, without the prefix."""

    verdict: Verdict
    remedy: str = ""


CODES: Final[Mapping[str, Meaning]] = {
    "service.unavailable": Meaning(Verdict.BUSY),
    "service.auth.error": Meaning(Verdict.RENEW),
    "service.auth.refresh.invalid": Meaning(Verdict.RENEW),
    "service.auth.headers.invalid": Meaning(
        Verdict.FATAL,
        "the org id and the instance URL that the login named are not accepted: check salesforce.instance",
    ),
    "service.protection.triggered": Meaning(Verdict.LIMIT),
    "service.protection.stream.limit.triggered": Meaning(Verdict.BUSY),
    "service.tenant.license": Meaning(
        Verdict.FATAL, "the org has no licence for the Pub/Sub API: set bridge.salesforce.api=streaming"
    ),
    "concurrent.client.limit.exceeded": Meaning(Verdict.LIMIT),
    "topic.not.found": Meaning(Verdict.FATAL, _NAME),
    "topic.meta.permission": Meaning(Verdict.FATAL, _RIGHTS),
    "topic.api.unavailable": Meaning(Verdict.BUSY),
    "topic.validation.empty": Meaning(Verdict.FATAL, _NAME),
    "schema.api.unavailable": Meaning(Verdict.BUSY),
    "schema.validation.failed": Meaning(Verdict.FATAL, _OURS),
    "schema.meta.permission": Meaning(Verdict.FATAL, _RIGHTS),
    "subscription.topic.cannot.subscribe": Meaning(Verdict.FATAL, _RIGHTS),
    "subscription.fetch.replayid.corrupted": Meaning(Verdict.EXPIRED),
    "subscription.fetch.replayid.validation.failed": Meaning(Verdict.FATAL, _OURS),
    "subscription.fetch.replay.repeated": Meaning(Verdict.HANDSHAKE),
    "subscription.limit.exceeded": Meaning(Verdict.LIMIT),
    "subscription.fetch.overflow": Meaning(Verdict.HANDSHAKE),
    "subscription.fetch.requested.events.invalid": Meaning(Verdict.FATAL, _OURS),
    "subscription.fetch.topic.mismatch": Meaning(Verdict.FATAL, _OURS),
    "subscription.fetch.request.invalid": Meaning(Verdict.FATAL, _OURS),
    "subscription.internal.error": Meaning(Verdict.HANDSHAKE),
}
"""Every code of the guide that a subscriber may meet. Some were seen without ``subscription.`` or ``service.``."""

_STATUSES: Final[Mapping[Any, Meaning]] = {
    grpc.StatusCode.UNAUTHENTICATED: Meaning(Verdict.RENEW),
    grpc.StatusCode.PERMISSION_DENIED: Meaning(Verdict.FATAL, _RIGHTS),
    grpc.StatusCode.NOT_FOUND: Meaning(Verdict.FATAL, _NAME),
    grpc.StatusCode.UNIMPLEMENTED: Meaning(
        Verdict.FATAL, "what answers there is no Pub/Sub API: check bridge.pubsub.endpoint"
    ),
    grpc.StatusCode.RESOURCE_EXHAUSTED: Meaning(Verdict.LIMIT),
    grpc.StatusCode.INVALID_ARGUMENT: Meaning(Verdict.UNKNOWN),  # says nothing about the position
    grpc.StatusCode.OUT_OF_RANGE: Meaning(Verdict.UNKNOWN),
    grpc.StatusCode.FAILED_PRECONDITION: Meaning(Verdict.UNKNOWN),
}
_TOO_LARGE: Final = Meaning(
    Verdict.FATAL, "a response is larger than connection.max.message.size allows: raise it"
)
_LOST: Final = Meaning(Verdict.HANDSHAKE)


def failure_of(error: grpc.RpcError, hidden: Collection[str] = (), *, asked_for_id: bool = True) -> Failure:
    """What an error that ended a call means; ``hidden``: what must not be quoted.

    ``asked_for_id``: the subscription named a replay id, which alone can be refused as one that is not known.
    """
    code, details = code_of(error), words(error.details() or "", hidden)
    meaning = _meaning(code, error.code(), details)
    if meaning.verdict is Verdict.EXPIRED and not asked_for_id:
        meaning = Meaning(Verdict.UNKNOWN)
    rpc = _trailer(error, "rpc-id")
    if rpc and rpc not in details:  # Salesforce's support asks for it
        details = f"{details} rpcId: {words(rpc, hidden)}".strip()
    name = code or f"gRPC status {getattr(error.code(), 'name', error.code())}"
    return Failure(meaning.verdict, f"{name}: {details}" if details else name, meaning.remedy)


def code_of(error: grpc.RpcError) -> str | None:
    """Salesforce's code, without its prefix; None where the trailers hold none."""
    code = _trailer(error, "error-code")
    return words(code.strip().removeprefix(PREFIX)) if code else None


def _trailer(error: grpc.RpcError, name: str) -> str | None:
    found = next((value for key, value in error.trailing_metadata() or () if key == name), None)
    return found if isinstance(found, str) else None


def _meaning(code: str | None, status: Any, details: str) -> Meaning:
    if code is not None:
        known = CODES.get(code) or next(
            (its for name, its in CODES.items() if name.partition(".")[2] == code), None
        )
        if known is not None:
            return known
    if status is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in details:
        return _TOO_LARGE
    return _STATUSES.get(status, _LOST)
