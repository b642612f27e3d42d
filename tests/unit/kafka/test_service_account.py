"""The cloud that makes keys for a service account, where it takes its time."""

import time

import pytest
from attrs import evolve

from bridge.errors import Retriable
from bridge.kafka import service_account
from tests.support.dripping import dripping, slowly


def test_an_answer_that_drips_is_over_in_time_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_account, "CLOUD", evolve(service_account.CLOUD, seconds=0.5))
    worker = {"confluent.cloud.api.key": "k", "confluent.cloud.api.secret": "s"}
    began = time.monotonic()
    with dripping(slowly(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 200), 0.2) as url:
        cloud = service_account._Iam({**worker, "confluent.cloud.endpoint": url})  # type: ignore[arg-type]  # reads three
        with pytest.raises(Retriable, match="keys for the service account come from there"):
            cloud.delete("key-1")
    assert time.monotonic() - began < 10
