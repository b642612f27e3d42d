"""``sfbridge run``: what is refused before anything starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.cli.main import main
from tests.support.memory_worker import GOOD


def test_one_connector_twice_is_refused_with_both_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    worker, a, b = (tmp_path / name for name in ("w.properties", "a.json", "b.json"))
    worker.write_text("bootstrap.servers=127.0.0.1:1\nsecurity.protocol=PLAINTEXT\n")
    for path in (a, b):
        path.write_text(json.dumps(GOOD | {"kafka.topic": path.stem}))
    for other, where in ((b, f"in {a} and in {b}"), (a, f"twice from {a}")):
        for more in ((), ("--listen", "0")):
            assert main(["run", str(a), str(other), "--worker", str(worker), *more]) == 2
            said = capsys.readouterr()
            assert (
                said.err.splitlines()[-1]
                == f"sfbridge: name: the connector sf is given {where}: it runs once"
            )
            assert said.out == ""
