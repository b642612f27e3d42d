"""The board asks only for metrics that a worker has."""

import json
import re
from pathlib import Path

from attrs import evolve

from bridge import calls
from bridge.metrics import Metrics, Stats


def test_every_metric_of_the_board_exists() -> None:
    made = tuple(evolve(each, durations={}) for each in calls.EVERY)
    for each in made:
        each.add(0.1, calls.OK, *each.labels)
    metrics = Metrics(calls=made)
    metrics.register(Stats(connector="c", last_created_ms=1, last_committed_at=1.0))
    known = set(re.findall(r"^(\w+)(?:\{| )", metrics.text(), re.M))
    board = json.loads((Path(__file__).parents[3] / "docs" / "grafana.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    used = {
        name for expr in asked for name in re.findall(r"\b((?:sfbridge|kafka_connect|process)_\w+)", expr)
    }
    assert len(used) > 12
    assert used <= known, used - known
