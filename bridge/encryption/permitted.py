"""Which KMS keys may be asked: whoever answers for the registry names keys, and never chooses one.

Known hosts are the providers' own domains and ``VAULT_ADDR``. Where a contract names keys, those count; beside them,
and where none does, the worker's ``bridge.kms.allowed.keys``: beginnings of key ids. Without either any key on a known
host may be asked. Plain ``http://`` is for loopback, or for an entry that begins so.
"""

from __future__ import annotations

import os
import re
from typing import Final
from urllib.parse import urlsplit

from attrs import frozen

from bridge.errors import Fatal, fatal
from bridge.errors.words import words

ALLOWED: Final = "bridge.kms.allowed.keys"
_ARN: Final = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d*:(key|alias)/.+")
_AZURE: Final = (
    ".vault.azure.net", ".vault.azure.cn", ".vault.usgovcloudapi.net", ".vault.microsoftazure.de",
    ".managedhsm.azure.net", ".managedhsm.azure.cn", ".managedhsm.usgovcloudapi.net",
)  # fmt: skip
_REMOTE: Final = ("aws-kms", "azure-kms", "gcp-kms", "hcvault")
_SCHEMES: Final = re.compile(r"(aws-kms|azure-kms|gcp-kms|hcvault|local-kms)://")


@frozen
class Permitted:
    """``named``: ids that an operator's own words name; ``only``: with ``entries`` they are all there is.
    ``entries``: ``bridge.kms.allowed.keys``; ``besides``: keys on known hosts count, too (an operator's tools)."""

    named: frozenset[str] = frozenset()
    entries: tuple[str, ...] = ()
    only: bool = False
    besides: bool = False

    def check(self, kms_type: str, key_id: str) -> None:
        """Fatal, with the entry to add, for a key that may not be asked."""
        if kms_type not in _REMOTE:
            return  # of local-kms the key is a secret that the worker has; for another type there is no driver
        key = bare(key_id)
        entries = [entry for entry in self.entries if begins(key, entry)]
        if (
            key.startswith("http://")
            and not _loopback(key)
            and not any(e.startswith("http://") for e in entries)
        ):
            raise _refused(key, "would be asked without TLS")
        if entries or key in {bare(name) for name in self.named}:
            return
        if self.only and self.named:
            raise _refused(key, "is none that the contract names")
        if self.entries and not self.besides:
            raise _refused(key, f"is none that {ALLOWED} names")
        if not _known(kms_type, key):
            raise _refused(key, "is on a host that nobody named")


def bare(key_id: str) -> str:
    """A key's id without the scheme that names its KMS."""
    return _SCHEMES.sub("", key_id.strip(), count=1) if _SCHEMES.match(key_id.strip()) else key_id.strip()


def begins(key: str, entry: str) -> bool:
    """Whether an id begins as an entry says; of an address the host has to be the whole one."""
    key, entry = bare(key), bare(entry)
    if not entry or not key.startswith(entry):
        return False
    if "://" not in entry:
        return True
    wanted, actual = urlsplit(entry), urlsplit(key)
    return (wanted.scheme, wanted.netloc) == (actual.scheme, actual.netloc)


def _known(kms_type: str, key: str) -> bool:
    if kms_type == "aws-kms":
        return _ARN.fullmatch(key) is not None
    if kms_type == "gcp-kms":
        return key.startswith("projects/")
    url = urlsplit(key)
    if kms_type == "azure-kms":
        return url.scheme == "https" and url.netloc == (url.hostname or "") and url.netloc.endswith(_AZURE)
    vault = os.environ.get("VAULT_ADDR", "")
    return kms_type == "hcvault" and bool(vault) and begins(key, vault.rstrip("/"))


def _loopback(key: str) -> bool:
    host = urlsplit(key).hostname or ""
    return host in ("localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None


def _refused(key: str, why: str) -> Fatal:
    shown = words(key)
    return fatal(
        f"the KMS key {shown} {why}, so nothing is sent to it; if it is the right one, add it to the worker's "
        f"properties: {ALLOWED}={shown}"
    )
