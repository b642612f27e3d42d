"""``python -m bridge``: the same as ``sfbridge``."""

import sys

from bridge.cli.main import main

sys.exit(main())
