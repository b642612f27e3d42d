"""Whole configurations are loaded here, too: the fixtures of their tests."""

from __future__ import annotations

from tests.unit.config.conftest import faults, loading

__all__ = ["faults", "loading"]
