"""Every property, declared once: one table per group, two catalogues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.config.catalogue import Catalogue
from bridge.config.classes import CHANGE_CLASSES, class_meant
from bridge.config.declarations.accepted import ACCEPTED
from bridge.config.declarations.changes import for_changes
from bridge.config.declarations.connection import CONNECTION
from bridge.config.declarations.converters import CONVERSION
from bridge.config.declarations.encryption import CSFLE
from bridge.config.declarations.errors import ERRORS
from bridge.config.declarations.framework import (
    DELIVERY,
    TASKS,
    TOPIC_CREATION,
    TRANSFORMS,
    of_the_framework,
)
from bridge.config.declarations.identity import IDENTITY
from bridge.config.declarations.kafka import CREDENTIALS, TOPIC
from bridge.config.declarations.output import OUTPUT, SCHEMA
from bridge.config.declarations.salesforce import LOGIN
from bridge.config.declarations.security import DEFAULTS, PROVIDERS, REGISTRY, SECURITY
from bridge.config.declarations.worker import ACCEPTED as WORKER_ACCEPTED
from bridge.config.declarations.worker import CLOUD, KAFKA, KEYS, REST, STATE

_GROUPS = (
    IDENTITY, CREDENTIALS, TOPIC, SCHEMA, LOGIN, CSFLE, CONNECTION, OUTPUT, TASKS, CONVERSION, ERRORS,
    TOPIC_CREATION, DELIVERY, TRANSFORMS, ACCEPTED,
)  # fmt: skip

CONNECTOR: Final = Catalogue.of(*of_the_framework(_GROUPS))
"""A connector's properties, grouped as on the managed connector's page, then the framework's."""

CHANGES: Final = Catalogue.of(*of_the_framework(for_changes(*_GROUPS)))
"""Those of a connector of change events."""

WORKER: Final = Catalogue.of(
    KAFKA, SECURITY, REGISTRY, STATE, REST, KEYS, PROVIDERS, CLOUD, DEFAULTS, WORKER_ACCEPTED
)
"""The worker's properties."""


def catalogue_of(given: Mapping[str, str]) -> Catalogue:
    """The properties of the connector that a configuration's ``connector.class`` names."""
    return CHANGES if class_meant(given.get("connector.class", "")) in CHANGE_CLASSES else CONNECTOR
