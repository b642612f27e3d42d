"""docs/transforms.md is in step, and its examples are valid."""

import pytest

from bridge.transforms.document import TARGET, document
from bridge.transforms.table import TRANSFORMS


def test_the_page_is_in_step() -> None:
    assert TARGET.read_text("utf-8") == document(), "run python -m bridge.transforms.document"


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_transform_has_an_example_that_works(name: str) -> None:
    entry = TRANSFORMS[name]
    assert entry.spec.example_text
    config = dict(entry.spec.example) or {}
    entry.make(entry.spec.parse(config), entry.side)
