"""How a judged configuration is shown, whoever judged it."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.cli.output import print_table


def print_judged(rows: Sequence[tuple[str, str, str, str]], left_out: int) -> None:
    """Rows (property, value, default, error), and how many properties are not among them."""
    if not rows:  # of a file that could not even be read
        return
    print_table(("property", "value", "default", "error"), rows)
    if left_out:
        print(f"{left_out} more properties stand at their default (--all shows them)")
