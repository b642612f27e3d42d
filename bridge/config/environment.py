"""A worker's properties from the environment, by the rule of Confluent's container images.

``CONNECT_BOOTSTRAP_SERVERS`` is ``bootstrap.servers``: the prefix goes, letters become small, ``___`` becomes
``-``, ``__`` becomes ``_`` and ``_`` becomes ``.``. The whole text of a properties file may stand in
``SFBRIDGE_WORKER_PROPERTIES``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

PREFIX: Final = "CONNECT_"
WHOLE: Final = "SFBRIDGE_WORKER_PROPERTIES"

_UNDERSCORES: Final = re.compile("_{1,3}")
_MEANING: Final = {"___": "-", "__": "_", "_": "."}


def property_of(variable: str) -> str:
    """The property a variable names; the prefix is required to be there."""
    name = variable.removeprefix(PREFIX).lower()
    return _UNDERSCORES.sub(lambda run_of_underscores: _MEANING[run_of_underscores.group()], name)


def from_environment(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Property → (variable, value) for every ``CONNECT_*`` variable, in the order of their names."""
    return {
        property_of(variable): (variable, environ[variable])
        for variable in sorted(environ)
        if variable.startswith(PREFIX) and len(variable) > len(PREFIX)
    }
