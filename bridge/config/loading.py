"""Loading a connector with its worker: files, environment, references, every rule, all faults at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import frozen

from bridge.config import combinations, environment, external, files, formats, reach
from bridge.config.catalogue import Catalogue
from bridge.config.config import Config, Loaded
from bridge.config.declarations import CONNECTOR, WORKER, catalogue_of
from bridge.config.declarations.security import DEFAULTS
from bridge.config.examine import Examined, examine
from bridge.config.external import Origin
from bridge.config.judges import Judges
from bridge.errors import ConfigurationError, Fault

_INHERITABLE = frozenset(p.key for p in DEFAULTS if p.key.startswith("errors.")) | {"bridge.config.unknown"}
_CONVERSION = frozenset(p.key for p in DEFAULTS if p.key.startswith("value.converter.") and not p.is_prefix)


@frozen
class Loader:
    """Loads connectors, judged by every rule and by ``judges``."""

    judges: Judges

    def load(
        self,
        connector: files.Source,
        worker: files.Source | None,
        *,
        environ: Mapping[str, str] = os.environ,
    ) -> Loaded:
        """The connector and its worker, valid together.

        Raises ConfigurationError with every fault of both; faults of a worker name its file.
        """
        judged_worker, judged_connector, faults = self.check_files(connector, worker, environ)
        if faults:
            raise ConfigurationError(faults)
        notices = (*judged_worker.notices, *judged_connector.notices)
        return Loaded(judged_connector.config(), judged_worker.config(), notices)

    def check_files(
        self, connector_source: files.Source, worker_source: files.Source | None, environ: Mapping[str, str]
    ) -> tuple[Examined, Examined, list[Fault]]:
        """Worker and connector, judged, and every fault of both. What cannot be read gives no other fault."""
        unreadable: list[Fault] = []
        worker = _read(unreadable, lambda: examine_worker_file(worker_source, environ))
        config = worker.config() if worker else None
        connector = _read(unreadable, lambda: self.examine_connector_file(connector_source, config, environ))
        if worker is not None and connector is not None and not worker.faults:
            self.judges.clients(connector, worker.config(), environ, worker)
        worker, connector = worker or Examined(WORKER, {}), connector or Examined(CONNECTOR, {})
        return worker, connector, [*unreadable, *of_worker(worker, worker_source), *connector.faults]

    def load_connector(
        self, path: Path, *, worker: Config | None = None, environ: Mapping[str, str] = os.environ
    ) -> Config:
        """A connector's configuration; rules that concern a worker are left out where none is given.

        Raises ConfigurationError with every fault.
        """
        return _sound(self.examine_connector_file(path, worker, environ))

    def connector_config(
        self,
        given: Mapping[str, str],
        *,
        worker: Config | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> Config:
        """A connector's configuration out of properties that are at hand. Raises ConfigurationError."""
        return _sound(
            self.examine_connector(files.Given(given), worker, resolver_of(worker, environ, Origin.FILE))
        )

    def examine_connector_file(
        self, source: files.Source, worker: Config | None, environ: Mapping[str, str]
    ) -> Examined:
        """The connector's properties, judged with the worker's. Raises ConfigurationError for a bad file."""
        return self.examine_connector(
            files.given_of(source, wrapped=True), worker, resolver_of(worker, environ, Origin.FILE)
        )

    def examine_connector(
        self,
        given: files.Given,
        worker: Config | None,
        resolver: external.Resolver,
        *,
        unknown: str | None = None,
        catalogue: Catalogue | None = None,
    ) -> Examined:
        """A connector's properties, judged by every rule. ``unknown``: fail or warn, else what the files say.
        ``catalogue``: by the connector's class where it is not given."""
        catalogue = catalogue or catalogue_of(given.values)
        examined = examine(
            catalogue, given.values, resolver, unknown=unknown, inherited=_inherited(given.values, worker)
        )
        formats.decide(examined, worker)
        reach.settle(examined, worker)
        for rule in combinations.alone(self.judges):
            rule(examined)
        if worker is not None:
            examined.resolved.update(worker.resolved)  # a rule about both may quote the worker's
            for together in combinations.together(self.judges):
                together(examined, worker)
        examined.notices.extend(given.notices)
        order = {key: index for index, key in enumerate(catalogue.properties)}
        examined.faults.sort(key=lambda fault: order.get(fault.key, len(order)))
        return examined


def _read(faults: list[Fault], read: Callable[[], Examined]) -> Examined | None:
    try:
        return read()
    except ConfigurationError as error:
        faults.extend(error.faults)
        return None


def load_worker(path: Path | None, *, environ: Mapping[str, str] = os.environ) -> Config:
    """A worker's configuration, from its file and the environment; without either, the defaults.

    Raises ConfigurationError with every fault.
    """
    examined = examine_worker_file(path, environ)
    if examined.faults:
        raise ConfigurationError(of_worker(examined, path))
    return examined.config()


def config_of(given: Mapping[str, str], catalogue: Catalogue | None = None) -> Config:
    """Types and defaults only, no rule between properties and nothing required. Raises ConfigurationError."""
    examined = examine(catalogue or catalogue_of(given), given, external.Resolver({}), unknown="warn")
    examined.faults = [f for f in examined.faults if f.key in given]
    return _sound(examined)


def _sound(examined: Examined) -> Config:
    if examined.faults:
        raise ConfigurationError(examined.faults)
    return examined.config()


def of_worker(examined: Examined, source: files.Source | None) -> list[Fault]:
    """A worker's faults, with the file they are in."""
    if isinstance(source, Path):
        origin = source.name
    else:
        origin = "the worker's environment" if source is None else "the worker's properties"
    return [Fault(f.key, f"{f.message} (in {origin})", f.value) for f in examined.faults]


def examine_worker_file(source: files.Source | None, environ: Mapping[str, str]) -> Examined:
    """The worker's properties, judged: those given, or the text in the environment; single variables go first.

    Raises ConfigurationError if the file cannot be read at all.
    """
    given = _worker_given(source, environ)
    variables = environment.from_environment(environ)
    strangers = [variable for key, (variable, _) in variables.items() if WORKER.find(key) is None]
    written = dict(given.values)
    written |= {key: value for key, (variable, value) in variables.items() if variable not in strangers}
    providers, wrong = _providers(written)
    examined = examine(WORKER, written, external.Resolver(environ, providers))
    for key, message in wrong:
        examined.fault(key, message)
    for rule in combinations.WORKER:
        rule(examined)
    examined.notices.extend(given.notices)
    if strangers:
        examined.notices.append(f"environment variables that name no worker property: {', '.join(strangers)}")
    return examined


def _worker_given(source: files.Source | None, environ: Mapping[str, str]) -> files.Given:
    if source is not None:
        return files.given_of(source, wrapped=False)
    text = environ.get(environment.WHOLE, "")
    if not text.strip():
        return files.Given({})
    try:
        return files.parse(text.encode("utf-8", "replace"), wrapped=False)
    except files.UnreadableError as fault:
        raise ConfigurationError([Fault(environment.WHOLE, str(fault))]) from None


def _providers(written: Mapping[str, str]) -> tuple[dict[str, external.Provider], list[tuple[str, str]]]:
    """The providers that ``config.providers`` names, by name, and what is wrong with them.

    One that is faulty is not there: a restriction that cannot be read must not turn into none.
    """
    providers: dict[str, external.Provider] = {}
    wrong: list[tuple[str, str]] = []
    if external.has_reference(written.get("config.providers", "")):
        return {}, [("config.providers", "cannot hold a reference: it says who resolves them")]
    for name in (part.strip() for part in written.get("config.providers", "").split(",")):
        if not name:
            continue
        try:
            providers[name] = _provider(f"config.providers.{name}.", written)
        except ConfigurationError as error:
            wrong.extend((fault.key, fault.message) for fault in error.faults)
    return providers, wrong


def _provider(prefix: str, written: Mapping[str, str]) -> external.Provider:
    """Raises ConfigurationError."""
    kind = external.CLASSES.get(written.get(f"{prefix}class", "").strip().rpartition(".")[2])
    if kind is None:
        expected = f"must be one of {', '.join(external.CLASSES)} of {external.PACKAGE}"
        raise ConfigurationError([Fault(f"{prefix}class", expected)])
    paths, names = f"{prefix}param.allowed.paths", f"{prefix}param.allowlist.pattern"
    allowed = [part.strip() for part in written.get(paths, "").split(",") if part.strip()]
    if any(not os.path.isabs(path) for path in allowed):
        raise ConfigurationError([Fault(paths, "must hold absolute paths, separated by commas")])
    normal = tuple(os.path.normpath(path) for path in allowed) or None
    if not written.get(names, "").strip():
        return external.Provider(kind, normal)
    # here: few workers restrict variables
    from bridge.java.regex import Pattern

    try:
        return external.Provider(kind, normal, Pattern(written[names].strip()).matches)
    except ValueError as error:
        raise ConfigurationError([Fault(names, f"is no regular expression: {error}")]) from None


def resolver_of(worker: Config | None, environ: Mapping[str, str], origin: Origin) -> external.Resolver:
    """What fills in a connector's references: of a file's by the worker's providers too, of REST's by them alone."""
    if worker is None:
        return external.Resolver(environ, None, origin)
    return external.Resolver(environ, _providers(worker.raw())[0], origin, worker.references)


def _inherited(given: Mapping[str, str], worker: Config | None) -> dict[str, str]:
    """What a worker gives for all its connectors. Options of its converter go with its converter only."""
    if worker is None:
        return {}
    own_format = any(given.get(key, "").strip() for key in (formats.FORMAT, formats.CONVERTER))
    keys = _INHERITABLE if own_format else _INHERITABLE | _CONVERSION
    return {key: value for key, value in worker.raw().items() if key in keys and value.strip()}
