"""``/dek-registry/v1``. A KEK is global, its ``?context=`` without meaning; the subject of a DEK is qualified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bridge.encryption.envelope import Algorithm
from bridge.sandbox.registry import names
from bridge.sandbox.registry.dek_keys import Dek, Kek, Keys, invalid
from bridge.sandbox.registry.error_codes import RegistryError, server_fault
from bridge.sandbox.registry.http import Call, Handler
from bridge.sandbox.registry.subjects import Subjects, version_number

_KEKS: Final = "/dek-registry/v1/keks"
_DEK: Final = f"{_KEKS}/{{}}/deks/{{}}"


class DekRoutes:
    """Handlers of keys."""

    def __init__(self, subjects: Subjects, keys: Keys) -> None:
        self._subjects, self._keys = subjects, keys

    def table(self) -> Mapping[str, Handler]:
        """``METHOD /path`` → handler."""
        return {
            f"GET {_KEKS}": self._list_keks,
            f"POST {_KEKS}": self._create_kek,
            f"GET {_KEKS}/{{}}": lambda call: self._keys.kek(
                call.path[0], deleted=call.flag("deleted")
            ).document(),
            f"PUT {_KEKS}/{{}}": self._update_kek,
            f"DELETE {_KEKS}/{{}}": self._delete_kek,
            f"POST {_KEKS}/{{}}/undelete": lambda call: self._keys.undelete_kek(call.path[0]),
            f"POST {_KEKS}/{{}}/test": self._test_kek,
            f"GET {_KEKS}/{{}}/deks": self._list_deks,
            f"POST {_KEKS}/{{}}/deks": self._create_dek,
            f"POST {_DEK}": self._create_dek,
            f"GET {_DEK}": self._get_dek,
            f"DELETE {_DEK}": self._delete_deks,
            f"POST {_DEK}/undelete": self._undelete_deks,
            f"GET {_DEK}/versions": self._versions,
            f"GET {_DEK}/versions/{{}}": self._get_dek,
            f"DELETE {_DEK}/versions/{{}}": self._delete_deks,
            f"POST {_DEK}/versions/{{}}/undelete": self._undelete_deks,
        }

    # --- KEKs --------------------------------------------------------------------------------------------------

    def _list_keks(self, call: Call) -> Any:
        deleted, prefixes = call.flag("deleted"), call.query.get("subjectPrefix", [])
        kek_names = sorted(name for name, kek in self._keys.keks.items() if deleted or not kek.deleted)
        if prefixes:
            used = {
                dek.kek
                for dek in self._keys.deks.values()
                if any(names.has_prefix(names.parse(dek.subject), prefix) for prefix in prefixes)
            }
            kek_names = [name for name in kek_names if name in used]
        return call.page(kek_names)

    def _create_kek(self, call: Call) -> Any:
        body = call.object("createKek.request")
        kek = self._keys.create_kek(body)
        if call.flag("testSharing") and kek.shared:
            self._try_sharing(kek, has_props=body.get("kmsProps") is not None)
        return kek.document()

    def _try_sharing(self, kek: Kek, *, has_props: bool) -> None:
        try:
            if not has_props:
                # recorded as it is: the server fails where kmsProps is absent
                raise server_fault()
            self._probe(kek, "creating")
        except RegistryError:
            del self._keys.keks[kek.name]
            raise

    def _update_kek(self, call: Call) -> Any:
        body = call.object("putKek.request")
        if call.flag("testSharing"):
            changed = self._keys.changed_kek(call.path[0], body)
            if changed.shared:
                self._probe(changed, "updating")
        return self._keys.update_kek(call.path[0], body).document()

    def _probe(self, kek: Kek, doing: str) -> None:
        """Try a shared KEK's key management. Raises 500 where that fails."""
        try:
            self._keys.kms(kek, "__TEST").wrap(b"test")
        except RegistryError as error:
            raise RegistryError(500, f"Error while {doing} key: {error.message}") from None

    def _delete_kek(self, call: Call) -> Any:
        self._keys.delete_kek(call.path[0], permanent=call.flag("permanent"))

    def _test_kek(self, call: Call) -> Any:
        kek = self._keys.kek(call.path[0])
        if not kek.shared:
            raise invalid("shared")
        self._keys.kms(kek, "__TEST").wrap(b"test")
        document = kek.document()
        ts = document.pop("ts")
        return document | {"deleted": kek.deleted, "type": "KEK", "offset": 0, "ts": ts}

    # --- DEKs --------------------------------------------------------------------------------------------------

    def _list_deks(self, call: Call) -> Any:
        self._keys.kek(call.path[0], deleted=call.flag("deleted"))
        # a subject of which everything is deleted is still listed where another algorithm is not
        return call.page(self._keys.subjects(call.path[0], deleted=call.flag("deleted")))

    def _create_dek(self, call: Call) -> Any:
        body = call.object("createDek.request")
        by_path = len(call.path) > 1
        # only a subject of a path is looked up as an alias
        subject = self._subject(call.path[1]) if by_path else body.get("subject") or ""
        if not subject or not names.is_printable(subject):
            raise invalid("subject")
        kek = self._keys.kek(call.path[0], deleted=body.get("deleted") is True)
        rewrap = by_path and call.flag("rewrap")
        dek = self._keys.create_dek(kek, subject, body, rewrap=rewrap)
        imported = self._subjects.modes.effective(names.parse(dek.subject)) == "IMPORT"
        return dek.document(None if imported else self._keys.plain(dek))

    def _get_dek(self, call: Call) -> Any:
        version = (version_number(call.path[2]) or -1) if len(call.path) > 2 else 1
        dek = self._keys.dek(
            call.path[0], self._subject(call.path[1]), _algorithm(call), version, deleted=call.flag("deleted")
        )
        return dek.document(self._keys.plain(dek))

    def _versions(self, call: Call) -> Any:
        deleted = call.flag("deleted")
        self._keys.kek(call.path[0], deleted=deleted)
        deks = self._keys.of(call.path[0], self._subject(call.path[1]), _algorithm(call))
        return call.page([dek.version for dek in deks if deleted or not dek.deleted])

    def _delete_deks(self, call: Call) -> Any:
        subject = self._subject(call.path[1])
        self._keys.delete_deks(self._meant(call), subject, permanent=call.flag("permanent"))

    def _undelete_deks(self, call: Call) -> Any:
        deks, kek = self._meant(call), self._keys.kek(call.path[0], deleted=True)
        if kek.deleted:
            raise RegistryError(40472, f"Key '{kek.name}' must be undeleted first")
        self._keys.undelete_deks(deks)

    def _meant(self, call: Call) -> list[Dek]:
        """The version a path names, or all of the algorithm. Raises 40470.

        As in the server, *latest* must be there and stands for nothing: 204, and nothing is changed.
        """
        kek, subject, algorithm = call.path[0], self._subject(call.path[1]), _algorithm(call)
        self._keys.kek(kek, deleted=True)
        wanted = version_number(call.path[2]) if len(call.path) > 2 else None
        latest = self._keys.dek(kek, subject, algorithm, wanted or -1, deleted=True)
        if len(call.path) < 3:
            return self._keys.of(kek, subject, algorithm)
        return [latest] if wanted is not None else []

    def _subject(self, text: str) -> str:
        """The qualified subject, its alias followed."""
        name = names.parse(text)
        own = self._subjects.configs.own(name) or {}
        alias = own.get("aliasForDeks") or own.get("alias")
        return str(names.beside(alias, name) if alias else name)


def _algorithm(call: Call) -> Algorithm:
    try:
        return Algorithm(call.text("algorithm") or "AES256_GCM")
    except ValueError:
        raise RegistryError(404, "HTTP 404 Not Found") from None
