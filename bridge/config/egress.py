"""Where a connector may connect to: one list, one check, made where connections are made.

``bridge.egress.allowed`` of the worker binds everything that a connector may name: Salesforce (and where its login
sends on to), Pub/Sub, proxies, brokers, registries, KMS. What the worker's own file names, host and port, is the
operator's choice and stays open. ``connector.egress.whitelist`` of a managed export binds Salesforce and proxy hosts
only, as it does there.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from attrs import frozen

from bridge.errors import Fatal, Stage

ALLOWED: Final = "bridge.egress.allowed"
WHITELIST: Final = "connector.egress.whitelist"
Address = IPv4Address | IPv6Address
_ENTRY: Final = re.compile(
    r"(?P<host>\[[0-9a-f:.]+\](?:/\d{1,3})?|[0-9a-f:]*:[0-9a-f:.]*:[0-9a-f:.]*(?:/\d{1,3})?|[^\s:\[\]]+)"
    r"(?::(?P<port>\d{1,5}))?(?::tcp)?"
)
_NAME: Final = re.compile(
    r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
)


@frozen
class Rule:
    """One entry: a name (``*.`` before it: what is below it), or a network; a port where one is given."""

    name: str
    network: IPv4Network | IPv6Network | None
    port: int | None

    @classmethod
    def parse(cls, text: str) -> Rule:
        """``host``, ``*.domain`` or ``network/bits``, each with ``:port``. Raises ValueError."""
        match = _ENTRY.fullmatch(text.strip().lower())
        if match is None:
            raise ValueError(text)
        host, port = match["host"].replace("[", "").replace("]", ""), match["port"]
        try:
            return cls("", ip_network(host, strict=False), int(port) if port else None)
        except ValueError:
            if not _NAME.fullmatch(host.rstrip(".")) or re.fullmatch(r"[0-9.]+", host):
                raise ValueError(text) from None
        return cls(host.rstrip("."), None, int(port) if port else None)

    def names(self, host: str, port: int | None) -> bool:
        """Whether this entry permits a host by its name."""
        if self.network is not None or self.port not in (None, port):
            return False
        return host.endswith(self.name[1:]) if self.name.startswith("*.") else host == self.name

    def holds(self, address: Address, port: int | None) -> bool:
        """Whether this entry permits an address."""
        return self.network is not None and self.port in (None, port) and address in self.network


def rules(entries: Iterable[str]) -> tuple[Rule, ...]:
    """The entries of a list. Raises ValueError with the first that is none."""
    return tuple(Rule.parse(text) for text in entries if text.strip())


def entries(text: str) -> list[str]:
    """The entries of a list as it is written: separated by commas, semicolons or blanks."""
    return [part for part in re.split(r"[,;\s]+", text) if part]


@frozen
class Egress:
    """``allowed`` and ``whitelist`` None: no such list. ``own``: hosts and ports that the worker's file names."""

    allowed: tuple[Rule, ...] | None = None
    own: frozenset[tuple[str, int | None]] = frozenset()
    whitelist: tuple[Rule, ...] | None = None

    def refusal(
        self, host: str, port: int | None = None, *, salesforce: bool = False, resolve: bool = True
    ) -> str | None:
        """Why a host may not be connected to, as the end of a sentence, or None.

        ``resolve``: ask for the addresses of a name that no entry names; without, such a name passes where a network
        might hold it.
        """
        host = host.strip("[]").rstrip(".").lower()
        if (
            self.allowed is not None
            and self.own.isdisjoint({(host, port), (host, None)})
            and not _permits(self.allowed, host, port, resolve)
        ):
            return f"is not among {ALLOWED} of the worker, where its operator may add it"
        if salesforce and self.whitelist is not None and not _permits(self.whitelist, host, port, resolve):
            return f"is not among {WHITELIST} of the connector"
        return None

    def check(self, host: str, port: int | None, stage: Stage, *, salesforce: bool = False) -> None:
        """Before a connection is made. Raises Fatal."""
        why = self.refusal(host, port, salesforce=salesforce)
        if why is not None:
            raise Fatal(f"no connection to {host} is made: it {why}", stage=stage)


ANYWHERE: Final = Egress()


def _permits(listed: tuple[Rule, ...], host: str, port: int | None, resolve: bool) -> bool:
    if any(rule.names(host, port) for rule in listed):
        return True
    networks = [rule for rule in listed if rule.network is not None]
    if not networks:
        return False
    literal = _literal(host)
    if literal is None and not resolve:
        return True
    addresses = [literal] if literal is not None else _addresses(host)
    return bool(addresses) and all(any(rule.holds(one, port) for rule in networks) for one in addresses)


def _literal(host: str) -> Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _addresses(host: str) -> list[Address]:
    """All addresses of a name; none if it has none."""
    try:
        told = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    literals = (_literal(str(one[4][0]).partition("%")[0]) for one in told)
    return [address for address in literals if address is not None]
