"""The recording of Kafka Connect's REST API, replayed: what differs is what docs/rest.md lists."""

from pathlib import Path

from tests.vectors.__main__ import run

RECORDING = Path(__file__).resolve().parents[2] / "vectors" / "connect-rest" / "transcript.jsonl"


def test_the_recording_is_answered_as_kafka_connect_answers() -> None:
    tally = run("connect_rest", [RECORDING])
    assert tally.failed == 0
    assert tally.passed >= 505
    assert tally.set_aside <= 95
