"""The recording of Kafka Connect's REST API, replayed: what differs is what docs/rest.md lists."""

from pathlib import Path

from tests.vectors.__main__ import run

RECORDINGS = Path(__file__).resolve().parents[2] / "vectors" / "connect-rest"
RECORDING = RECORDINGS / "transcript.jsonl"


def test_the_recording_is_answered_as_kafka_connect_answers() -> None:
    tally = run("connect_rest", [RECORDING])
    assert tally.failed == 0
    assert tally.passed >= 505
    assert tally.set_aside <= 95


def test_what_was_once_answered_otherwise_is_answered_as_kafka_connect_answers() -> None:
    again = [RECORDINGS / "differential.jsonl"] * 2  # nothing stays of one recording for the next
    tally = run("connect_rest", again)
    assert (tally.passed, tally.failed, tally.set_aside) == (168, 0, 4)
