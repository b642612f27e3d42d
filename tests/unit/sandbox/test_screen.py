"""What ``sfbridge try`` shows in terminals of different widths."""

from __future__ import annotations

import pytest

from bridge.sandbox.demo.publisher import Published
from bridge.sandbox.demo.reader import Read
from bridge.sandbox.demo.screen import Screen

VALUE = {
    "Order_Number__c": "O-100001",
    "Status__c": "Paid",
    "Amount__c": 27.25,
    "Customer_Email__c": "jiri.1@example.com",
}
STORED = VALUE | {"Customer_Email__c": "AAAAAAHrAw29T6jz3cd1OqQxn0683NjJcqSB58CW8bM9Tr0000"}


def shown(width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(width))
    screen = Screen()
    for number in (1, 2):
        screen.record(Read("orders", 0, number, 339, 1, STORED, VALUE), Published(number, 0.0, VALUE), 0.02)
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(width, monkeypatch, capsys)
    assert max(map(len, lines)) <= max(width, 64)  # the heading says one thing
    text = "\n".join(lines)
    assert "jiri.1@example.com" in text
    assert "AAAAAAHrAw29T" in text
    assert "\x1b" not in text


def test_a_wide_one_has_a_line_for_each_event(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = shown(120, monkeypatch, capsys)[-1]
    assert line.split()[:5] == ["#2", "orders-0@2", "O-100001", "Paid", "27.25"]
