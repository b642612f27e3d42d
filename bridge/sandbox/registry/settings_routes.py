"""``/contexts``, ``/config`` and ``/mode``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.sandbox.registry import names
from bridge.sandbox.registry.deletions import make_room
from bridge.sandbox.registry.error_codes import BareError, RegistryError
from bridge.sandbox.registry.http import Call, Handler
from bridge.sandbox.registry.names import DEFAULT, Name
from bridge.sandbox.registry.settings import ordered, text_of
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
        own = self._subjects.configs.own(name)
        if own is None and call.path and not call.flag("defaultToGlobal"):
            text = f"Subject '{_shown(name)}' does not have subject-level compatibility configured"
            raise RegistryError(40408, text)
        if own is None or not call.path or call.flag("defaultToGlobal"):
            return self._subjects.configs.effective(name)
        return _with_level(own, self._subjects.configs.level(name))

    def _put_config(self, call: Call) -> Any:
        name = self._scope(call)
        if name.subject:
            names.checked(name)
        what = "updateSubjectLevelConfig.request" if call.path else "updateTopLevelConfig.request"
        body = call.object(what)
        self._subjects.check_writable(name)
        if not self._subjects.keeps_rules:
            body = {key: value for key, value in body.items() if not key.endswith("RuleSet")}
        return self._subjects.configs.update(name, body)

    def _delete_config(self, call: Call) -> Any:
        name = self._scope(call)
        removed = self._subjects.configs.delete(name)
        if removed is None and call.path:
            raise RegistryError(40401, f"Subject '{_shown(name)}' not found.")
        return _with_level(removed or {}, self._subjects.configs.level(name))

    def _get_mode(self, call: Call) -> Any:
        name = self._scope(call)
        own = self._subjects.modes.own(name)
        if own is None and call.path and not call.flag("defaultToGlobal"):
            text = f"Subject '{_shown(name)}' does not have subject-level mode configured"
            raise RegistryError(40409, text)
        return {"mode": own or self._subjects.modes.effective(name)}

    def _put_mode(self, call: Call) -> Any:
        mode = call.object("updateMode.request").get("mode")
        if mode is None:
            raise RegistryError(500, "Internal Server Error")
        mode, name = text_of(mode), self._scope(call)
        if name.subject:
            names.checked(name)
        modes = self._subjects.modes
        importing = mode.upper() == "IMPORT" and modes.effective(name) != "IMPORT"
        if importing and not call.flag("force"):
            make_room(self._subjects, name)
        modes.set(name, mode)
        return {"mode": mode}

    def _delete_mode(self, call: Call) -> Any:
        name = self._scope(call)
        removed = self._subjects.modes.delete(name)
        if call.flag("recursive") and not name.subject:
            self._subjects.modes.delete_under(name.context)
        return {"mode": removed}


def _with_level(config: Json, level: str) -> Json:
    return ordered({**config, "compatibilityLevel": config.get("compatibilityLevel", level)})


def _shown(name: Name) -> str:
    return str(name) if name.subject else f":{name.context}:"
