"""What every end of a call means, by Salesforce's code and without one."""

from __future__ import annotations

import grpc
import pytest

from bridge.salesforce.failures import Verdict
from bridge.salesforce.pubsub.refusals import CODES, PREFIX, failure_of

# Of the reference, without the codes of ManagedSubscribe, which the bridge does not use.
DOCUMENTED = {
    "service.unavailable": Verdict.BUSY,
    "service.auth.error": Verdict.RENEW,
    "service.auth.headers.invalid": Verdict.FATAL,
    "service.auth.refresh.invalid": Verdict.RENEW,
    "service.protection.triggered": Verdict.LIMIT,
    "service.protection.stream.limit.triggered": Verdict.BUSY,
    "service.tenant.license": Verdict.FATAL,
    "concurrent.client.limit.exceeded": Verdict.LIMIT,
    "topic.not.found": Verdict.FATAL,
    "topic.meta.permission": Verdict.FATAL,
    "topic.api.unavailable": Verdict.BUSY,
    "topic.validation.empty": Verdict.FATAL,
    "schema.api.unavailable": Verdict.BUSY,
    "schema.validation.failed": Verdict.FATAL,
    "schema.meta.permission": Verdict.FATAL,
    "subscription.topic.cannot.subscribe": Verdict.FATAL,
    "subscription.fetch.replayid.corrupted": Verdict.EXPIRED,
    "subscription.fetch.replayid.validation.failed": Verdict.FATAL,
    "subscription.fetch.replay.repeated": Verdict.HANDSHAKE,
    "subscription.limit.exceeded": Verdict.LIMIT,
    "subscription.fetch.overflow": Verdict.HANDSHAKE,
    "subscription.fetch.requested.events.invalid": Verdict.FATAL,
    "subscription.fetch.topic.mismatch": Verdict.FATAL,
    "subscription.fetch.request.invalid": Verdict.FATAL,
    "subscription.internal.error": Verdict.HANDSHAKE,
}


class Error(grpc.RpcError):
    def __init__(self, status: grpc.StatusCode, details: str = "", code: str | None = None) -> None:
        self.status, self.text = status, details
        self.trailers = () if code is None else (("rpc-id", "71"), ("error-code", code))

    def code(self) -> grpc.StatusCode:
        return self.status

    def details(self) -> str:
        return self.text

    def trailing_metadata(self) -> tuple[tuple[str, str], ...]:
        return self.trailers


@pytest.mark.parametrize("status", [grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN])
@pytest.mark.parametrize("code", list(DOCUMENTED))
def test_the_code_decides_whatever_the_status(code: str, status: grpc.StatusCode) -> None:
    failure = failure_of(Error(status, "said. rpcId: 71", PREFIX + code))
    assert failure.verdict is DOCUMENTED[code]
    assert failure.text == f"{code}: said. rpcId: 71"
    assert bool(failure.remedy) == (failure.verdict is Verdict.FATAL)


def test_the_table_is_the_documented_one() -> None:
    assert set(CODES) == set(DOCUMENTED)


def test_the_id_that_support_asks_for_is_said_wherever_it_stands() -> None:
    failure = failure_of(Error(grpc.StatusCode.UNKNOWN, "said.", f"{PREFIX}service.unavailable"))
    assert failure.text == "service.unavailable: said. rpcId: 71"


def test_a_code_without_its_first_word_is_known() -> None:
    for code in ("fetch.replayid.corrupted", "limit.exceeded"):
        wanted = DOCUMENTED[f"subscription.{code}"]
        assert failure_of(Error(grpc.StatusCode.UNKNOWN, "", PREFIX + code)).verdict is wanted


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (grpc.StatusCode.UNAVAILABLE, Verdict.HANDSHAKE),
        (grpc.StatusCode.INTERNAL, Verdict.HANDSHAKE),
        (grpc.StatusCode.UNKNOWN, Verdict.HANDSHAKE),
        (grpc.StatusCode.CANCELLED, Verdict.HANDSHAKE),
        (grpc.StatusCode.DEADLINE_EXCEEDED, Verdict.HANDSHAKE),
        (grpc.StatusCode.UNAUTHENTICATED, Verdict.RENEW),
        (grpc.StatusCode.PERMISSION_DENIED, Verdict.FATAL),
        (grpc.StatusCode.UNIMPLEMENTED, Verdict.FATAL),
        (grpc.StatusCode.NOT_FOUND, Verdict.FATAL),
        (grpc.StatusCode.INVALID_ARGUMENT, Verdict.UNKNOWN),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, Verdict.LIMIT),
    ],
)
@pytest.mark.parametrize("code", [None, PREFIX + "something.new"])
def test_without_a_known_code_the_status_counts(
    status: grpc.StatusCode, verdict: Verdict, code: str | None
) -> None:
    assert failure_of(Error(status, "", code)).verdict is verdict


def test_a_response_that_is_too_large_is_ours_to_mend() -> None:
    details = "CLIENT: Received message larger than max (5000 vs. 4000)"
    failure = failure_of(Error(grpc.StatusCode.RESOURCE_EXHAUSTED, details))
    assert failure.verdict is Verdict.FATAL
    assert "connection.max.message.size" in failure.remedy


def test_only_a_subscription_after_an_id_can_be_refused_for_it() -> None:
    refusal = Error(grpc.StatusCode.INVALID_ARGUMENT, "", f"{PREFIX}subscription.fetch.replayid.corrupted")
    assert failure_of(refusal, asked_for_id=False).verdict is Verdict.UNKNOWN


def test_a_token_is_not_quoted() -> None:
    failure = failure_of(
        Error(grpc.StatusCode.UNKNOWN, "the token 00D!secret-of-the-user"), ["00D!secret-of-the-user"]
    )
    assert "secret" not in failure.text
