"""A benchmark whose events leave the quick path is no measurement: it fails, in the process and from outside."""

from __future__ import annotations

import pytest

from bridge.counts import CAREFUL_CONVERSIONS
from bridge.metrics import serve
from tests.bench import contest, encoders
from tests.bench.end_to_end import LeftTheQuickWay, left_to_the_careful_way
from tests.support.ports import free_ports


def test_a_running_bridge_tells_what_it_left_to_the_careful_way() -> None:
    port = free_ports(["metrics"])["metrics"]
    serve(port, [])
    before = left_to_the_careful_way(port)
    CAREFUL_CONVERSIONS.add("SeenByTheBenchmark", 3)
    assert left_to_the_careful_way(port) == before | {"SeenByTheBenchmark": 3}


def test_a_turn_in_which_it_happens_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lane:
        name = "bridge, Avro"

        def carry(self, events: int) -> str:
            return f"{events} events"

    told: dict[str, int] = {}
    monkeypatch.setattr(contest, "left_to_the_careful_way", lambda port: told)
    one = contest.Contestant(Lane(), 1)  # type: ignore[arg-type]  # all it asks of a lane
    assert one.carry(5) == "5 events"  # type: ignore[comparison-overlap]  # what the lane gave
    told["ValueError"] = 1
    with pytest.raises(LeftTheQuickWay, match=r"bridge, Avro.*ValueError"):
        one.carry(5)


def test_the_benchmark_of_encoders_fails_when_it_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object) -> dict[str, float]:
        CAREFUL_CONVERSIONS.add("IndexError")
        return dict.fromkeys(("JSON", "AVRO", "PROTOBUF", "JSON_SR"), 1.0)

    monkeypatch.setattr(encoders, "measure", slow)
    with pytest.raises(LeftTheQuickWay, match="IndexError"):
        encoders.conversion()
