"""``sfbridge deadletters`` as a table for people."""

from __future__ import annotations

import argparse
from types import SimpleNamespace
from typing import cast

import pytest

from bridge.cli.deadletters import _show
from bridge.reading.letters import Letter
from bridge.worker.letters import LetterBox


def test_numbers_are_numbers_and_yes_is_yes(capsys: pytest.CaptureFixture[str]) -> None:
    box = SimpleNamespace(one=lambda partition, offset: (Letter(partition, offset, 0, b"{}", {}), True))
    for letter in ((0, 0), (1, 1)):
        args = argparse.Namespace(letter=letter, decrypt=False, output="table")
        assert _show(args, cast(LetterBox, box)) == 0
        lines = capsys.readouterr().out.splitlines()
        rows = {line[:12].strip(): line[12:].strip() for line in lines if len(line) > 12}
        assert (rows["partition"], rows["offset"]) == tuple(map(str, letter))
        assert {"replayed": "yes", "encrypted": "no", "connector": "-"}.items() <= {
            next(iter(line.split())): line.split()[-1] for line in lines if line.split()
        }.items()
