"""Which position the loop commits: ids that do not rise, gaps, the start, the keep-alives of a quiet channel."""

import itertools
import time

import pytest

from bridge.buffer import Buffer
from bridge.event import Delivery
from bridge.pipeline import loop
from bridge.progress import Progress
from bridge.source import Ended, Gap, Idle, Listening, Signal
from tests.support.loop_run import carry, event


@pytest.mark.parametrize("lower", [[1056], [1057], [1, 2, 3], [900, 1057, 1058]])
def test_events_whose_ids_do_not_rise_are_committed_and_the_position_repeats(
    lower: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    first = Delivery([event(n) for n in range(1000, 1058)], 1, 0.0, [])
    pipeline, notes, _ = carry([first, Delivery([event(n) for n in lower], 1, 0.0, [])], max_pending=1)
    pipeline.run()
    assert notes.open == []
    assert notes.values() == [*range(1000, 1058), *lower]
    assert notes.positions() == [1057, max(1057, lower[-1])]
    below = sum(n < 1057 for n in lower)
    assert [f"so far {below})" in text for text in told(caplog)] == [True] * bool(below)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    messages = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    return [text for text in messages if "replay ids below" in text]


def test_ids_that_begin_anew_get_one_warning_with_their_count(caplog: pytest.LogCaptureFixture) -> None:
    replies = [Delivery([event(n)], 1, 0.0, []) for n in (1000, *range(1, 31))]
    pipeline, notes, _ = carry(replies, max_pending=1)
    pipeline.run()
    assert notes.values() == [1000, *range(1, 31)]
    assert set(notes.positions()) == {1000}
    (text,) = told(caplog)
    assert "below 1000, the highest committed (so far 30)" in text


def test_after_a_gap_lower_replay_ids_move_the_position() -> None:
    signals = [Delivery([event(100)], 1, 0.0, []), Gap(100), Delivery([event(7)], 1, 0.0, [])]
    pipeline, notes, _ = carry(signals, max_pending=1)
    pipeline.run()
    assert notes.positions() == [100, 7]
    assert notes.said == ["gap after 100"]


START = ("offsets", b'{"since":1234}', b"bridge-start-x", -1, None, None, 0, [])


def test_the_moment_of_the_first_subscription_is_committed_before_it_runs() -> None:
    pipeline, notes, _ = carry([Listening(1234)])
    pipeline.on_running = lambda: notes.said.append(f"running with {notes.durable} durable")
    pipeline.run()
    assert notes.transactions == [[START]]
    assert notes.said == ["running with 1 durable"]


@pytest.mark.parametrize("signals", [[Listening()], [Delivery([event(5)], 1, 0.0, []), Listening(1234)]])
def test_where_a_position_is_known_or_everything_is_wanted_no_start_is_remembered(
    signals: list[Signal],
) -> None:
    pipeline, notes, _ = carry(signals)
    pipeline.run()
    assert START not in [args for one in notes.transactions for args in one]
    assert notes.said == ["running"]


def test_after_a_gap_the_expired_position_goes_when_the_new_start_is_remembered() -> None:
    pipeline, notes, _ = carry([Delivery([event(100)], 1, 0.0, []), Gap(100), Listening(1234)])
    pipeline.progress = Progress(50)
    pipeline.run()
    assert notes.positions() == [100]
    assert notes.transactions[-1] == [("offsets", None, b'["x",{}]'), START]
    assert notes.said == ["gap after 100", "running"]


QUIET = [Delivery([event(5)], 1, 0.0, []), Idle(8), Idle(9), Delivery([event(11), event(11)], 1, 0.0, [])]


def test_the_keep_alive_of_a_quiet_channel_is_not_a_transaction_each_time() -> None:
    pipeline, notes, _ = carry(QUIET)
    pipeline.run()
    assert notes.positions() == [5, 11]


def test_a_quiet_channel_s_position_follows_the_keep_alive_when_it_is_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "_IDLE_EVERY", 0)
    pipeline, notes, _ = carry(QUIET)
    pipeline.run()
    assert notes.positions() == [5, 8, 9, 11]
    headers = [dict(one[-1][7]).get("bridge-resume-after") for one in notes.transactions]
    assert headers == [b"-2", None, None, b"9"]


def test_a_day_of_a_quiet_channel_is_a_commit_every_ten_minutes_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Salesforce keeps ids for 72 hours and says every 270 seconds where an idle stream is. Here an id is the second at
    which it was said."""
    began, every, day = 1_700_000_000.0, 270, 24 * 3600
    clock = [began]
    monkeypatch.setattr(
        time, "monotonic", lambda: clock[0]
    )  # the clock on the wall may be set back meanwhile
    pipeline, notes, _ = carry([Delivery([event(int(began))], 1, 0.0, [])])
    written: list[tuple[float, int]] = []

    class Day(Buffer):
        """A keep-alive whenever somebody waits, until the day is over."""

        def get(self, timeout: float) -> Signal | None:
            for position in notes.positions()[len(written) :]:
                written.append((clock[0], position))
            if self.events:
                return super().get(timeout)
            clock[0] += every
            return Idle(int(clock[0])) if clock[0] < began + day else Ended()

    pipeline.buffer = quiet = Day(10**6, 10**9)
    quiet.put(Delivery([event(int(began))], 1, 0.0, []))
    pipeline.run()
    assert day / 900 <= len(written) <= day / 600 + 1
    for (moment, position), (later, _) in itertools.pairwise(written[1:]):
        assert later - moment >= 600
        assert later - position < 1200, "so old a position may become"
