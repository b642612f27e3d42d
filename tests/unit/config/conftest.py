"""What the tests of the configuration share: loading properties that are at hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from bridge.config import Loaded
from bridge.errors import ConfigurationError
from bridge.inspection.configuration import load
from tests.unit.config.samples import VALID, Faults, Load, write


@pytest.fixture
def loading(tmp_path: Path) -> Load:
    """``loading({changed}, worker={…})``: the valid example with changes (None removes), loaded from files."""

    def load_changed(
        changes: Mapping[str, str | None] | None = None,
        *,
        worker: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Loaded:
        merged = {k: v for k, v in (VALID | dict(changes or {})).items() if v is not None}
        return load(*write(tmp_path, merged, worker), environ=environ or {})

    return load_changed


@pytest.fixture
def faults(loading: Load) -> Faults:
    """The same, giving property → message of every fault, empty if there is none."""

    def faults_of(*args: object, **kwargs: object) -> dict[str, str]:
        try:
            loading(*args, **kwargs)
        except ConfigurationError as error:
            return {fault.key: fault.message for fault in error.faults}
        return {}

    return faults_of
