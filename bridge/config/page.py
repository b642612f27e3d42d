"""Pages of the documentation that are made from declarations: written, or compared with what stands there."""

from __future__ import annotations

import sys
from pathlib import Path


def keep(page: Path, text: str, command: str, arguments: list[str]) -> int:
    """Write the page, or with ``--check`` say whether it is in step (0) or not (1)."""
    if "--check" not in arguments:
        page.write_text(text, "utf-8")
        return 0
    if page.is_file() and page.read_text("utf-8") == text:
        return 0
    print(f"{page.name} is not in step with the declarations; run python -m {command}", file=sys.stderr)
    return 1
