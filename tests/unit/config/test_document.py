"""docs/configuration.md is made from the declarations, and in step with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config import document
from bridge.config.declarations import CONNECTOR, WORKER
from bridge.config.page import keep


def test_the_page_is_in_step() -> None:
    assert document.TARGET.read_text("utf-8") == document.document(), "run python -m bridge.config.document"


def test_every_property_is_on_the_page_with_its_documentation() -> None:
    page = document.document()
    for catalogue in (CONNECTOR, WORKER):
        for declared in catalogue:
            assert f"`{declared.key}`" in page
    for declared in CONNECTOR:
        assert f"### `{declared.key}`\n\n{declared.doc.split('<')[0].split('*')[0]}" in page


def test_check_says_whether_it_is_in_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    assert keep(page, "text", "the.command", ["--check"]) == 1
    said = capsys.readouterr().err
    assert "page.md is not in step" in said
    assert "python -m the.command" in said
    assert keep(page, "text", "the.command", []) == 0
    assert keep(page, "text", "the.command", ["--check"]) == 0
    assert keep(page, "other", "the.command", ["--check"]) == 1
    assert page.read_text() == "text"
