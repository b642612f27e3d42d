"""``/contexts``, ``/config`` and ``/mode``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.sandbox.registry import names
from bridge.sandbox.registry.deletions import make_room
from bridge.sandbox.registry.error_codes import BareError, RegistryError, no_subject, server_fault
from bridge.sandbox.registry.http import Call, Handler
from bridge.sandbox.registry.names import DEFAULT, Name
from bridge.sandbox.registry.subjects import Subjects

Json = dict[str, Any]


class SettingsRoutes:
    """Handlers of what is set for subjects and contexts."""

    def __init__(self, subjects: Subjects) -> None:
        self._subjects = subjects

    def table(self) -> Mapping[str, Handler]:
        """``METHOD /path`` → handler."""
        return {
            "GET /contexts": self._contexts,
            "DELETE /contexts/{}": self._delete_context,
            "GET /config": self._get_config,
            "PUT /config": self._put_config,
            "DELETE /config": self._delete_config,
            "GET /config/{}": self._get_config,
            "PUT /config/{}": self._put_config,
            "DELETE /config/{}": self._delete_config,
            "GET /mode": self._get_mode,
            "PUT /mode": self._put_mode,
            "DELETE /mode": self._delete_mode,
            "GET /mode/{}": self._get_mode,
            "PUT /mode/{}": self._put_mode,
            "DELETE /mode/{}": self._delete_mode,
        }

    def _contexts(self, call: Call) -> Any:
        prefix = call.text("contextPrefix", "") or ""
        return call.page([name for name in self._subjects.store.contexts() if name.startswith(prefix)])

    def _delete_context(self, call: Call) -> Any:
        context = names.context_of_path(call.path[0])
        if context == DEFAULT:
            raise BareError(405, "HTTP 405 Method Not Allowed")
        if not self._subjects.store.drop_context(context):
            raise RegistryError(42211, f"The specified context ':{context}:' is not empty.")
        return None

    def _scope(self, call: Call) -> Name:
        return names.parse(call.path[0]) if call.path else Name(DEFAULT, "")

    def _get_config(self, call: Call) -> Any:
        name = self._scope(call)
        if call.flag("defaultToGlobal"):
            return _filled(self._subjects.configs.effective(name))
        own = self._subjects.configs.own(name)
        if own is None:
            text = f"Subject '{name}' does not have subject-level compatibility configured"
            raise RegistryError(40408, text)
        return _filled(own)

    def _put_config(self, call: Call) -> Any:
        name = self._scope(call)
        what = "updateSubjectLevelConfig.request" if call.path else "updateTopLevelConfig.request"
        body = call.object(what)
        if not self._subjects.keeps_rules:
            body = {key: value for key, value in body.items() if not key.endswith("RuleSet")}
        changes = self._subjects.configs.changes(body)
        names.checked(name, setting=True)
        self._subjects.check_writable(name)
        return self._subjects.configs.update(name, changes)

    def _delete_config(self, call: Call) -> Any:
        name = self._scope(call)
        removed = self._subjects.configs.own(name)
        if removed is None:
            raise no_subject(name)
        self._subjects.check_writable(name)
        self._subjects.configs.delete(name)
        return _filled(removed)

    def _get_mode(self, call: Call) -> Any:
        name = self._scope(call)
        if call.flag("defaultToGlobal"):
            return {"mode": self._subjects.modes.effective(name)}
        own = self._subjects.modes.own(name)
        if own is None:
            text = f"Subject '{name}' does not have subject-level mode configured"
            raise RegistryError(40409, text)
        return {"mode": own}

    def _put_mode(self, call: Call) -> Any:
        body, name = call.object("updateMode.request"), self._scope(call)
        names.checked(name, setting=True)
        if "mode" not in body:
            raise server_fault()
        mode, modes = body["mode"], self._subjects.modes
        importing = str(mode).upper() == "IMPORT" and modes.effective(name) != "IMPORT"
        if importing and not call.flag("force"):
            make_room(self._subjects, name)
        modes.set(name, mode)
        return {"mode": mode}

    def _delete_mode(self, call: Call) -> Any:
        name = self._scope(call)
        removed, recursive = self._subjects.modes.own(name), call.flag("recursive")
        if removed is None and not recursive:
            raise no_subject(name)
        self._subjects.modes.delete(name)
        if recursive and not name.subject:
            self._subjects.modes.delete_under(name.context)
        return {} if removed is None else {"mode": removed}


def _filled(config: Json) -> Json:
    """What is answered of a configuration: an empty text is kept, and not shown."""
    return {key: value for key, value in config.items() if value != ""}
