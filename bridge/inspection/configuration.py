"""The door to a connector's configuration: loaded, examined or shown, judged by everybody who will use it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from bridge.config import Config, files
from bridge.config.external import Origin
from bridge.config.infos import ConfigInfos, Steps, infos_of
from bridge.config.judges import Judges
from bridge.config.loading import Loader, resolver_of
from bridge.config.report import Report
from bridge.inspection import chains, clients

LOADER: Final = Loader(Judges(chains.transforms, chains.converters, clients.judge))
load, load_connector, connector_config = LOADER.load, LOADER.load_connector, LOADER.connector_config
examine_connector = LOADER.examine_connector


def config_infos(
    given: Mapping[str, str],
    worker: Config | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    unknown: str | None = None,
) -> ConfigInfos:
    """The properties of a connector that came by REST, with definitions, values and errors; secrets are masked.

    With a worker, whoever will use the settings judges them too, as in ``sfbridge validate``.
    """
    examined = LOADER.examine_connector(
        files.Given(given), worker, resolver_of(worker, environ, Origin.REST), unknown=unknown
    )
    if worker is not None:
        LOADER.judges.clients(examined, worker, environ)
    return infos_of(examined, steps_of(examined.written))


def examine_files(connector: files.Source, worker: files.Source | None, environ: Mapping[str, str]) -> Report:
    """Both, judged. Never raises for what is in them: a file that cannot be read is a fault."""
    judged_worker, judged_connector, faults = LOADER.check_files(connector, worker, environ)
    notices = (*judged_worker.notices, *judged_connector.notices)
    return Report(judged_connector, judged_worker, tuple(faults), notices, steps_of(judged_connector.written))


def steps_of(given: Mapping[str, str]) -> Steps:
    """The settings of the transforms and predicates that a configuration lists."""
    if not any(given.get(key, "").strip() for key in ("transforms", "predicates")):
        return {}
    # here: most connectors have none
    from bridge.transforms.steps import definitions

    return definitions(given)
