"""Somebody else's client of the Pub/Sub API (npm ``salesforce-pubsub-api-client``) reads the simulated org."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.sandbox import samples
from bridge.sandbox.org import Org
from bridge.sandbox.org.messages import complete
from tests.support.node import run

EVENT = samples.ORDER_PLACED
CREATED = 1_800_000_000.078


def given(org: Org, **more: Any) -> dict[str, Any]:
    """Connected with a token of the org; the client has authorities of its own, so that it is told to trust anybody."""
    config = {
        "authType": "user-supplied",
        "accessToken": org.tokens.issue(org.org_id),
        "instanceUrl": org.url,
        "organizationId": org.org_id,
        "pubSubEndpoint": org.serve_pubsub(),
        "rejectUnauthorizedSsl": False,
    }
    return {"config": config, "topic": EVENT.channel, **more}


def test_it_reads_every_event(org: Org) -> None:
    payloads = [samples.payload(EVENT, number) for number in range(130)]
    ids = org.publish_many(EVENT.name, payloads, created=CREATED)
    answer = run("pubsub.mjs", given(org, count=130))
    assert [event["replayId"] for event in answer["events"]] == ids
    for event, payload in zip(answer["events"], payloads, strict=True):
        wanted = complete(EVENT, payload, CREATED, org.user_id)
        for field in EVENT.fields:
            if field.type not in ("date", "datetime", "time"):
                assert event["payload"][field.name] == wanted[field.name]
        assert event["payload"]["CreatedDate"] == int(CREATED * 1000)
    assert len({event["id"] for event in answer["events"]}) == 130


def test_it_goes_on_after_an_id_of_eight_bytes(org: Org) -> None:
    ids = org.publish_many(EVENT.name, 5)
    answer = run("pubsub.mjs", given(org, count=2, replayId=ids[2]))
    assert [event["replayId"] for event in answer["events"]] == ids[3:]


@pytest.mark.parametrize("fault", ["corrupted", "token"])
def test_it_is_told_what_is_wrong(org: Org, fault: str) -> None:
    asked = given(org, count=1, replayId=77)
    if fault == "token":
        org.revoke_tokens()
    answer = run("pubsub.mjs", asked)
    word = "Replay ID validation failed" if fault == "corrupted" else "authentication exception"
    assert any(word in text for text in answer["said"])
