"""``sfbridge worker --hash-password``."""

from __future__ import annotations

import getpass
import io
import sys

import pytest

from bridge.api.users import User
from bridge.cli.main import main


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("second", "code"), [("ópen", 0), ("open", 2)])
def test_what_is_not_shown_is_asked_for_twice(
    second: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = iter(["ópen", second])
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(getpass, "getpass", lambda prompt="": next(typed))
    assert main(["worker", "--hash-password"]) == code
    said = capsys.readouterr()
    assert bool(said.out) is (code == 0)
    assert next(typed, None) is None
    if code:
        assert said.err == "sfbridge: --hash-password: the two passwords differ\n"


def test_elsewhere_it_is_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("ópen sésame\n"))
    assert main(["worker", "--hash-password"]) == 0
    assert User(capsys.readouterr().out.strip())
