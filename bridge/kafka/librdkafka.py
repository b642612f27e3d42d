"""librdkafka's settings as values, by the names of its ``CONFIGURATION.md``. Callbacks are put beside them later."""

from __future__ import annotations

from collections.abc import Mapping

Setting = str | int | float | bool
Settings = Mapping[str, Setting]
