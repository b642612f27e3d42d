"""Which mutants there are: each list of them in its own file. One whose ``old`` is gone is a fault of its list.

Written by what could go wrong, not by what the tests cover: one that survives is a test to be written.
"""

from __future__ import annotations

from typing import Final

from tests.mutants.delivery import DELIVERY
from tests.mutants.exposure import EXPOSURE
from tests.mutants.keys import KEYS
from tests.mutants.tags import TAGS

MUTANTS: Final = (*TAGS, *KEYS, *EXPOSURE, *DELIVERY)
