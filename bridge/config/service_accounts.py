"""For which service accounts of a connector keys are made, and why not for the others.

The two are independent: ``kafka.service.account.id`` is for Kafka, with ``kafka.auth.mode=SERVICE_ACCOUNT``;
``sr.service.account.id`` for the schema registry, in either mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.config.config import Config
from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.config.external import Origin
from bridge.config.property import Values
from bridge.config.registry import of_converter, registry_properties

MODE: Final = "kafka.auth.mode"
ACCOUNT: Final = "kafka.service.account.id"
READER: Final = "sr.service.account.id"
CLUSTER: Final = "bridge.cloud.kafka.cluster.id"
REGISTRY: Final = "bridge.cloud.schema.registry.id"
_CLOUD: Final = ("confluent.cloud.api.key", "confluent.cloud.api.secret")
_LOGINS: Final = ("basic.auth.user.info", "bearer.auth.credentials.source")


def lacking(worker: Config, resource: str) -> list[str]:
    """Which of the worker's properties are needed to make a key for a resource, and are not given; one that has a fault
    of its own is given."""
    return [key for key in (*_CLOUD, resource) if not worker[key] and worker.sound(key)]


def reader_unneeded(values: Values, given: Mapping[str, str]) -> str | None:
    """Why a connector needs no key for ``sr.service.account.id``, as the end of a sentence; None where it does."""
    form = values["output.data.format"]
    if form not in REGISTRY_TYPES:
        return f"output.data.format is {form}, which needs no schema registry"
    own = of_converter(given)
    if any(own.get(key) for key in _LOGINS):
        return "the connector gives a login of its own for the schema registry"
    return None


def no_key_for_reader(
    values: Values,
    given: Mapping[str, str],
    origin: Origin,
    worker: Config,
    worker_given: Mapping[str, str],
) -> str | None:
    """Why no key is made for ``sr.service.account.id``, as the end of a sentence; None where one is.

    ``values`` and ``given``: the connector's, typed and as text. A key is for the worker's registry: whoever writes by
    REST does not have it sent anywhere else.
    """
    if unneeded := reader_unneeded(values, given):
        return unneeded
    missing = lacking(worker, REGISTRY)
    if missing:
        return f"the worker's properties do not give {', '.join(missing)}"
    theirs = registry_properties({}, worker_given).get("url")
    if origin is Origin.REST and registry_properties(given, worker_given).get("url") != theirs:
        return "its key would be for the worker's schema registry, and the connector names another"
    return None
