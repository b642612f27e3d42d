"""The embedded registry against every recorded exchange: status, body, order of keys, content type."""

from pathlib import Path

import pytest

from tests.vectors.__main__ import rules, run
from tests.vectors.registry import check

FOLDER = Path(__file__).parents[2] / "vectors" / "schema-registry"


@pytest.mark.parametrize(("name", "count"), [("transcript.jsonl", 791), ("transcript-stock.jsonl", 9)])
def test_every_exchange_is_answered_as_recorded(
    name: str, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = run("registry", [FOLDER / name])
    assert tally.failed == 0, capsys.readouterr().out
    assert tally.passed + tally.set_aside == count


def test_a_rule_that_sets_aside_nothing_is_gone() -> None:
    import fnmatch

    failing = [
        (path.name, name)
        for path in sorted(FOLDER.glob("*.jsonl"))
        for name, difference in check(path)
        if difference is not None
    ]
    for rule in rules("registry"):
        matched = [
            f for f in failing if fnmatch.fnmatch(f[0], rule.path) and fnmatch.fnmatch(f[1], rule.field)
        ]
        assert matched, f"{rule.field} sets aside nothing"


def test_a_different_answer_is_noticed(tmp_path: Path) -> None:
    """The runner must be able to fail: status, body, and the order of keys each on their own."""
    line = (FOLDER / "transcript-stock.jsonl").read_text().splitlines()[0]
    changes = (
        ['"status": 200', '"status": 201'],
        ['"id": 1', '"id": 2'],
        ['"id": 1, "version": 1', '"version": 1, "id": 1'],
    )
    for number, (before, after) in enumerate(changes):
        assert before in line
        path = tmp_path / f"stock-{number}.jsonl"
        path.write_text(line.replace(before, after))
        ((_, difference),) = check(path)
        assert difference is not None
