"""Results of benchmarks are kept with commit and class of machine, and compared within a class only."""

from __future__ import annotations

import json
from pathlib import Path

from tests.bench import history
from tests.bench.table import Row


def test_a_run_is_compared_with_the_last_one_on_this_class_of_machine(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    assert history.changes([Row("bridge, JSON", ratio=1.5)], history.last(file)) == []
    history.append([Row("bridge, JSON", ratio=2.0, micros=9.0), Row("help", value="60 ms")], file)
    history.append([Row("bridge, JSON", ratio=1.6, micros=8.0)], file)
    other = json.loads(file.read_text().splitlines()[-1]) | {"machine": "1 × abacus, Python 3.11"}
    other["rows"]["bridge, JSON"]["ratio"] = 99.0
    file.write_text(file.read_text() + json.dumps(other) + "\n")
    lines = history.changes([Row("bridge, JSON", ratio=1.2), Row("help", value="66 ms")], history.last(file))
    commit = history.commit()
    assert lines == [
        f"bridge, JSON: × floor 1.6 → 1.2 (-25 %) since {commit}",
        f"help: 60 ms → 66 ms since {commit}",
    ]


def test_a_line_names_no_path_and_no_host(tmp_path: Path) -> None:
    history.append([Row("help", value="60 ms")], tmp_path / "history.jsonl")
    (line,) = (tmp_path / "history.jsonl").read_text().splitlines()
    assert set(json.loads(line)) == {"commit", "at", "machine", "rows"}
    assert "/" not in json.loads(line)["machine"]
