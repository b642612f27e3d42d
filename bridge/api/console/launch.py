"""Launching a connector, from an exported file or from the form: faults as they are made, checks, a preview."""

from __future__ import annotations

from typing import Any, Final

from attrs import define

from bridge.api.console import forms
from bridge.api.console.connector import ConnectorPage, Line
from bridge.api.console.page import Pages, form, quoted, url
from bridge.api.console.work import Work
from bridge.api.exchange import Answer, Ask
from bridge.api.users import Role
from bridge.config.secrecy import MASK
from bridge.worker.refusals import Refused

_START: Final = {forms.CLASS: forms.PLATFORM, "tasks.max": "1"}


@define(eq=False)
class Launch:
    """The handlers of a new connector, and of the configuration of one that is there."""

    pages: Pages
    connector: ConnectorPage
    work: Work

    def lines(self) -> list[Line]:
        base = "console/connectors/*/configuration"
        write = Role.WRITE
        return [
            ("GET", "console/launch", self.page, write),
            ("POST", "console/launch/read", self.read, write),
            ("POST", "console/launch/judge", self.judge, write),
            ("POST", "console/launch/checks", self.checks, write),
            ("POST", "console/launch/preview", self.preview, write),
            ("POST", "console/launch/create", self.create, write),
            ("GET", base, self.configuration, Role.READ),
            ("GET", f"{base}/edit", self.edit, write),
            ("POST", f"{base}/judge", self.judge_stored, write),
            ("POST", f"{base}/difference", self.difference, write),
            ("POST", f"{base}/apply", self.apply, write),
        ]

    # ---- a new one -------------------------------------------------------------------------------------

    def page(self, ask: Ask) -> Answer:
        made = forms.made(self.pages.api(ask), _START, {})
        return self.pages.show(
            ask,
            "launch.html",
            title="Launch a connector",
            path="launch",
            form=made,
            findings=[],
            read_wrong="",
        )

    def read(self, ask: Ask) -> Answer:
        """A pasted configuration becomes the form. Literal secrets are not sent back: they are typed again."""
        api, text = self.pages.api(ask), form(ask).get("text", "")
        try:
            told = api.call("POST", "/bridge/v1/migrate", {"text": text})
        except Refused as refused:
            made = forms.made(api, _START, {})
            return self._form(ask, made, findings=[], read_wrong=refused.message)
        given = told["connector"].items()
        config = {key: value for key, value in given if not value.startswith("${env:") and value != MASK}
        made = forms.made(api, {**_START, **config}, {}, all_faults=True)
        return self._form(ask, made, findings=told["findings"], read_wrong="")

    def judge(self, ask: Ask) -> Answer:
        """The form with its faults, while it is filled in."""
        given = form(ask)
        made = forms.made(self.pages.api(ask), forms.config_in(given, {}), given)
        return self._form(ask, made, findings=[], read_wrong="")

    def checks(self, ask: Ask) -> Answer:
        return self._asked(ask, "checks", "/bridge/v1/checks", {})

    def preview(self, ask: Ask) -> Answer:
        return self._asked(
            ask, "preview", "/bridge/v1/preview", {"max_events": 3, "explain": True, "start": "all"}
        )

    def create(self, ask: Ask) -> Answer:
        given = form(ask)
        config = forms.config_in(given, {})
        name = config.get("name", "").strip()
        try:
            self.pages.api(ask).call(
                "POST", "/connectors", {"name": name, "config": {**config, "name": name}}
            )
        except Refused as refused:
            made = forms.made(self.pages.api(ask), config, given, all_faults=True)
            if made.faults:
                return self._form(ask, made, findings=[], read_wrong="")
            return self._form(ask, made, findings=[], read_wrong=refused.message)
        return Answer(200, b"", {"HX-Redirect": url("connectors", name)}, "text/html")

    def _asked(self, ask: Ask, kind: str, path: str, more: dict[str, object]) -> Answer:
        config = forms.config_in(form(ask), {})
        try:
            job = self.pages.api(ask).call("POST", path, {"config": config, **more})
        except Refused as refused:
            return self.pages.show(ask, "job_refused.html", message=refused.message)
        return self.work.shown(ask, kind, job)

    def _form(self, ask: Ask, made: forms.Form, **values: Any) -> Answer:
        return self.pages.show(ask, "launch_form.html", form=made, **values)

    # ---- one that is there -----------------------------------------------------------------------------

    def configuration(self, ask: Ask) -> Answer:
        config = self._stored(ask)
        told: dict[str, Any] = {"config": sorted(config.items()), "mask": MASK}
        return self.connector.shown(ask, "connector_configuration.html", "configuration", **told)

    def edit(self, ask: Ask) -> Answer:
        stored = self._stored(ask)
        made = forms.made(self.pages.api(ask), stored, {}, stored=True)
        return self.connector.shown(
            ask, "connector_edit.html", "configuration", form=made, seen=_seen(stored)
        )

    def judge_stored(self, ask: Ask) -> Answer:
        given, stored = form(ask), self._stored(ask)
        made = forms.made(self.pages.api(ask), forms.config_in(given, stored), given, stored=True)
        return self.pages.show(ask, "edit_form.html", form=made, name=ask.path[0], seen=given.get("seen", ""))

    def difference(self, ask: Ask) -> Answer:
        """What would change, before it does."""
        given, stored = form(ask), self._stored(ask)
        config = forms.config_in(given, stored)
        made = forms.made(self.pages.api(ask), config, given, stored=True, all_faults=True)
        changes = _changes(stored, config, made)
        told: dict[str, Any] = {"changes": changes, "faults": made.faults, "name": ask.path[0], "wrong": ""}
        return self.pages.show(ask, "edit_difference.html", **told)

    def apply(self, ask: Ask) -> Answer:
        name, given, stored = ask.path[0], form(ask), self._stored(ask)
        if given.get("seen") != _seen(stored):
            wrong = (
                "Somebody has changed the configuration meanwhile: load the page again, and change it there."
            )
            return self.pages.show(ask, "edit_difference.html", changes=[], faults=(), name=name, wrong=wrong)
        config = forms.config_in(given, stored)
        try:
            self.pages.api(ask).call("PUT", f"/connectors/{quoted(name)}/config", {**config, "name": name})
        except Refused as refused:
            return self.pages.show(
                ask, "edit_difference.html", changes=[], faults=(), name=name, wrong=refused.message
            )
        return Answer(200, b"", {"HX-Redirect": url("connectors", name)}, "text/html")

    def _stored(self, ask: Ask) -> dict[str, str]:
        told = self.pages.api(ask).get(f"/connectors/{quoted(ask.path[0])}/config")
        return {str(key): str(value) for key, value in told.items()}


def _seen(config: dict[str, str]) -> str:
    """A configuration as it was shown, so that a change in between is noticed."""
    import hashlib

    return hashlib.sha256(repr(sorted(config.items())).encode("utf-8", "replace")).hexdigest()[:16]


def _changes(stored: dict[str, str], config: dict[str, str], made: forms.Form) -> list[tuple[str, str, str]]:
    """Key, before, after; a secret's value is a mask on both sides."""
    secret = {
        each.key for some in (*made.first.values(), *made.groups.values()) for each in some if each.secret
    }

    def shown(key: str, text: str | None) -> str:
        if text is None:
            return "nothing"
        return MASK if key in secret and not text.startswith("${") else text

    changed = [key for key in dict.fromkeys([*stored, *config]) if stored.get(key) != config.get(key)]
    return [
        (key, shown(key, stored.get(key)), shown(key, config.get(key))) for key in changed if key != "name"
    ]
