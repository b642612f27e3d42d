"""The retained events of a channel: what each replay option yields, whatever has expired."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sandbox.org.log import ALL_RETAINED, NEW_ONLY, ChannelLog, InvalidReplayId

steps = st.lists(st.integers(1, 5), min_size=1, max_size=60)


def filled(steps: list[int], expired: int) -> tuple[ChannelLog, list[int]]:
    log = ChannelLog("/event/X__e", 1000)
    ids = []
    last = 1000
    for number, step in enumerate(steps):
        last += step
        ids.append(last)
        log.append([last], [b"%d" % last], float(number))
    log.expire(float(expired))
    return log, ids


def everything(log: ChannelLog, position: int, page: int) -> list[int]:
    found: list[int] = []
    while log.has_after(position):
        messages, position = log.read(position, page, 10**9)
        found += [int(message) for message in messages]
    return found


@given(steps, st.integers(0, 70), st.integers(1, 7))
def test_each_replay_option_yields_what_it_should(steps: list[int], expired: int, page: int) -> None:
    log, ids = filled(steps, expired)
    retained = ids[expired:]
    assert everything(log, log.start(ALL_RETAINED), page) == retained
    assert everything(log, log.start(NEW_ONLY), page) == []
    for replay in range(995, ids[-1] + 5):
        valid = replay <= ids[-1] and replay > (ids[:expired] or [1000])[-1]
        if valid:
            assert everything(log, log.start(replay), page) == [i for i in retained if i > replay]
        else:
            with pytest.raises(InvalidReplayId):
                log.start(replay)


@given(steps, st.integers(0, 70))
def test_a_position_survives_expiry(steps: list[int], expired: int) -> None:
    log, ids = filled(steps, 0)
    _, position = log.read(log.start(ALL_RETAINED), len(ids) // 2, 10**9)
    log.expire(float(expired))
    assert everything(log, position, 3) == ids[max(len(ids) // 2, expired) :]


def test_a_reply_is_bounded_in_bytes_but_never_empty() -> None:
    log = ChannelLog("/event/X__e", 0)
    log.append([1, 2, 3], [b"x" * 100] * 3, 0.0)
    assert len(log.read(0, 10, 50)[0]) == 1
    assert len(log.read(0, 10, 200)[0]) == 2
    assert len(log.read(0, 10, 299)[0]) == 2
    assert len(log.read(0, 2, 10**6)[0]) == 2


def test_state_counts_what_expired() -> None:
    log, ids = filled([1, 1, 1], 2)
    assert log.state() == {"published": 3, "retained": 1, "first": ids[2], "last": ids[2]}
