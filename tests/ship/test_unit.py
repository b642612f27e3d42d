"""The systemd unit: systemd takes it, and finds little that it leaves open."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.ship.source import ROOT
from tests.ship.tools import needed, run

pytestmark = pytest.mark.ship
UNIT = ROOT / "deploy" / "systemd" / "sfbridge.service"


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    analyze = needed("systemd-analyze", "systemd")
    copy = tmp_path / UNIT.name  # the program that it starts has to be there
    copy.write_text(re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text()))
    assert run(analyze, "verify", copy) == ""


def test_little_is_left_open() -> None:
    told = run(needed("systemd-analyze", "systemd"), "security", "--offline=true", "--threshold=20", UNIT)
    assert "OK" in told.splitlines()[-1]
