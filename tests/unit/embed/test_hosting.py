from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from bridge import embed

LIMIT = 60.0


def ours(before: set[threading.Thread]) -> list[threading.Thread]:
    """Threads that are there and were not before; they get time to end."""
    until = time.monotonic() + LIMIT
    while left := [one for one in threading.enumerate() if one not in before]:
        if time.monotonic() > until:
            return left
        time.sleep(0.02)
    return []


def until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_a_connector_runs_until_events_came_and_leaves_no_thread() -> None:
    with embed.practice() as play:
        config = embed.configuration(play.connector, play.worker, environ={})
        ids = play.publish(count=3)
        before = set(threading.enumerate())
        with embed.running(config) as connector:
            assert connector.name == "sandbox-orders"
            assert connector.wait(events=3, timeout=LIMIT)
            status = connector.status
            assert (status.state, status.committed, status.replay_id) == ("RUNNING", 3, ids[-1])
            assert (status.dead_letters, status.error) == (0, None)
            assert not connector.wait(events=4, timeout=0)
            connector.pause()
            until(lambda: connector.status.state == "PAUSED")
            play.publish({"Order_Number__c": "O-4"})
            connector.resume()
            assert connector.wait(events=4, timeout=LIMIT)
        assert connector.status.state == "STOPPED"
        assert ours(before) == []
        (last,) = play.publish()
        with embed.running(config) as again:  # after the position
            assert again.wait(events=1, timeout=LIMIT)
            until(lambda: again.status.replay_id == last)
        assert again.status.committed == 1


def test_it_ends_by_itself_when_the_goal_is_reached() -> None:
    with embed.practice() as play:
        config = embed.configuration(play.connector, play.worker, environ={})
        play.publish(count=5)
        with embed.running(config, max_events=2) as connector:
            assert connector.wait(timeout=LIMIT)
            assert not connector.wait(events=5)
        assert connector.status.committed >= 2


def test_a_failure_is_raised_by_who_waits_and_at_the_end() -> None:
    with embed.practice() as play:
        refused = {**play.connector, "salesforce.platform.event.name": "Nobody__e"}
        config = embed.configuration(refused, play.worker, environ={})
        with pytest.raises(embed.Fatal, match="Nobody__e"):
            run_until_failed(config)
        with pytest.raises(embed.Fatal, match="Nobody__e"), embed.running(config) as connector:
            connector.wait(events=1, timeout=LIMIT)


def run_until_failed(config: embed.Configuration) -> None:
    with embed.running(config) as connector:
        until(lambda: connector.status.state == "FAILED")
        assert isinstance(connector.status.error, embed.Fatal)


def test_what_the_block_raises_is_what_is_raised() -> None:
    with embed.practice() as play:
        config = embed.configuration(play.connector, play.worker, environ={})
        before = set(threading.enumerate())
        with pytest.raises(KeyError, match="mine"), embed.running(config):
            raise KeyError("mine")
        assert ours(before) == []
