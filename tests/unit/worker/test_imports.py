"""Positions of other installations."""

import json
import time

import pytest
from attrs import evolve

from bridge.config.scalars import Whole
from bridge.errors import ConfigurationError, Fatal
from bridge.kafka.offsets import replay_id_of
from bridge.worker import imports
from bridge.worker.imports import from_text, from_url
from tests.support.dripping import dripping, slowly
from tests.support.web_server import Answer, web_server

POSITION = json.dumps({"offsets": [{"partition": {}, "offset": {"replayId": 7}}]}).encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(POSITION) + POSITION


@pytest.mark.parametrize(
    "text",
    [
        '{"replayId":120572741}',
        '{"offsets":[{"partition":{},"offset":{"replayId":120572741}}]}',
        '{"id":"lcc-1","name":"n","offsets":[{"partition":{},"offset":{"replayId":120572741}}],"metadata":{}}',
        '{"request":{"offsets":[]},"previous_offsets":[{"partition":{},"offset":{"replayId":"120572741"}}]}',
        '[{"partition":{},"offset":{"replayId":120572741}}]',
    ],
)
def test_every_form_of_a_position_is_understood(text: str) -> None:
    assert from_text(text) == 120572741


@pytest.mark.parametrize(
    "text",
    ["", "x", "{}", "[]", '{"replayId":null}', '{"replayId":1.5}', '{"replayId":true}', '{"replayId":-1}',
     '{"offsets":[{"offset":{"replayId":1}},{"offset":{"replayId":2}}]}'],
)  # fmt: skip
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        from_text(text)


def test_the_whole_range_is_a_replay_id() -> None:
    assert replay_id_of("0") == 0
    assert type(replay_id_of(Whole("7"))) is int
    assert replay_id_of(2**63 - 1) == 2**63 - 1
    with pytest.raises(ValueError, match="between"):
        replay_id_of(2**63)


@pytest.mark.parametrize("text", ["[" * 5000, '{"replayId":1e999}', "\ud800", '{"offsets":' * 3000, ""])
def test_a_text_of_any_shape_is_one_sentence(text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        from_text(text)
    assert "\n" not in refused.value.message


def test_a_position_comes_from_the_rest_api_of_kafka_connect() -> None:
    with dripping(slowly(ANSWER, len(ANSWER))) as url:
        assert from_url(url, "orders") == 7


def test_an_answer_that_drips_is_over_in_time_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "IMPORT", evolve(imports.IMPORT, seconds=1.0))
    began = time.monotonic()
    with dripping(slowly(ANSWER), 0.2) as url, pytest.raises(Fatal, match="does not answer"):
        from_url(url, "orders")
    assert time.monotonic() - began < 10


def test_what_a_worker_refuses_is_said_in_its_words() -> None:
    refusal = {"error_code": 404, "message": "Unknown connector x"}
    with web_server(lambda request: Answer(refusal, 404)) as web, pytest.raises(Fatal) as refused:
        from_url(web.url, "x")
    assert refused.value.message == f"{web.url}/connectors/x/offsets answers 404: Unknown connector x"
