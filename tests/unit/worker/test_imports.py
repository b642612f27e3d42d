"""Positions of other installations."""

import pytest

from bridge.errors import ConfigurationError
from bridge.kafka.offsets import replay_id_of
from bridge.worker.imports import from_text


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
    assert replay_id_of(2**63 - 1) == 2**63 - 1
    with pytest.raises(ValueError, match="between"):
        replay_id_of(2**63)


@pytest.mark.parametrize("text", ["[" * 5000, '{"replayId":1e999}', "\ud800", '{"offsets":' * 3000, ""])
def test_a_text_of_any_shape_is_one_sentence(text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        from_text(text)
    assert "\n" not in refused.value.message
