"""An embedded Schema Registry: contexts, subjects, versions, ids, compatibility, metadata and rule sets kept.

Behaviour follows recorded exchanges with Confluent Schema Registry 8.3.1 (tests/vectors/schema-registry).
"""

from __future__ import annotations

from typing import Final

from bridge.sandbox.kept import Keep
from bridge.sandbox.registry import snapshot
from bridge.sandbox.registry.dek_keys import Keys
from bridge.sandbox.registry.dek_routes import DekRoutes
from bridge.sandbox.registry.http import Application
from bridge.sandbox.registry.schema_routes import SchemaRoutes
from bridge.sandbox.registry.settings_routes import SettingsRoutes
from bridge.sandbox.registry.subjects import Subjects
from bridge.sandbox.running import Running
from bridge.sandbox.server import Server

__all__ = ["Registry"]

_FACT: Final = "registry"


class Registry(Running):
    """A registry on 127.0.0.1 over plain http, empty at start. A context manager, or ``start`` and ``stop``.

    ``keeps_rules=False``: rule sets are dropped silently, as the community edition does. ``keep``: where its contents
    are over restarts.
    """

    def __init__(self, *, port: int = 0, keeps_rules: bool = True, keep: Keep | None = None) -> None:
        self.subjects = Subjects(keeps_rules=keeps_rules)
        self.keys = Keys()
        self._keep = keep
        if keep is not None and (raw := keep.fact(_FACT)) is not None:
            snapshot.restored(raw, self.subjects, self.keys)
        table = {
            **SchemaRoutes(self.subjects).table(),
            **SettingsRoutes(self.subjects).table(),
            **DekRoutes(self.subjects, self.keys).table(),
        }
        self._server = Server(
            Application(table, self.subjects.lock, self._changed), port=port, name="registry"
        )
        self.url = self._server.url
        self.port = self._server.port

    def start(self) -> None:
        """Accept connections."""
        self._server.start()

    def stop(self) -> None:
        """Stop listening."""
        self._server.stop()

    def _changed(self) -> None:
        if self._keep is not None:
            self._keep.keep(_FACT, snapshot.taken(self.subjects, self.keys))
