"""What is known of declared types beyond the neutral model, because it decides how a value is written."""

from __future__ import annotations

from typing import Final

AS_IT_STANDS: Final = frozenset({"currency", "anyType", "json"})
"""Declared types that may be any JSON value and are written as that value's own text."""
