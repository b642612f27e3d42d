"""``docs/embedding.md`` as a notebook: its Python, in order, in one namespace, and nothing else."""

from __future__ import annotations

import ast
import threading
import time
from typing import Any

from bridge import embed
from tests.docs.pages import ROOT, Fence, fences

PAGE = ROOT / "docs" / "embedding.md"


def cells() -> list[Fence]:
    return [fence for fence in fences(PAGE) if fence.language == "python"]


def test_the_page_runs_from_top_to_bottom() -> None:
    before = set(threading.enumerate())
    names: dict[str, Any] = {}
    try:
        for cell in cells():
            source = "\n" * (cell.line - 1) + cell.text
            exec(compile(source, str(PAGE), "exec"), names)
    finally:
        if "stack" in names:
            names["stack"].close()
    assert names["connector"].status.committed == 3
    assert all("@example.com" in email for email in names["emails"])
    until = time.monotonic() + 60
    while (left := set(threading.enumerate()) - before) and time.monotonic() < until:
        time.sleep(0.02)
    assert not left


def test_the_page_uses_nothing_that_is_not_public() -> None:
    for cell in cells():
        for node in ast.walk(ast.parse(cell.text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bridge"):
                assert (node.module, [name.name for name in node.names]) == ("bridge", ["embed"])
            if isinstance(node, ast.Attribute):
                assert not node.attr.startswith("_")
                if isinstance(node.value, ast.Name) and node.value.id == "embed":
                    assert node.attr in embed.__all__


def test_the_page_tells_of_everything_public() -> None:
    text = PAGE.read_text()
    named = {name for name in embed.__all__ if f"embed.{name}" in text or f"`{name}`" in text}
    assert named | {"Fault", "Practice", "Running", "Status"} == set(embed.__all__)
