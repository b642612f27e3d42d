"""What browsers keep: styles, scripts, and what of others is vendored, each under an address that holds its hash."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from attrs import frozen

from bridge.api.exchange import Answer, Ask
from bridge.worker.refusals import Refused

FOREVER: Final = "public, max-age=31536000, immutable"
_KINDS: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_OWN: Final = ("console.css", "console.js", "charts.js", "mark.svg")


@frozen
class Vendored:
    """A built file of somebody else's package, as it was published."""

    package: str
    version: str
    path: str
    """In the published package."""
    sha256: str


VENDORED: Final[Mapping[str, Vendored]] = {
    "htmx.min.js": Vendored(
        "htmx.org",
        "4.0.1",
        "dist/htmx.min.js",
        "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    ),
    "uPlot.iife.min.js": Vendored(
        "uplot",
        "1.6.32",
        "dist/uPlot.iife.min.js",
        "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    ),
    "uPlot.min.css": Vendored(
        "uplot",
        "1.6.32",
        "dist/uPlot.min.css",
        "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    ),
}


@frozen
class Asset:
    """A file as it is sent."""

    address: str
    content: bytes
    packed: bytes
    kind: str


@cache
def assets() -> Mapping[str, Asset]:
    """All of them by name."""
    here = files("bridge.api.console")
    sources = {name: here / "static" / name for name in _OWN}
    sources |= {name: here / "vendor" / name for name in VENDORED}
    return {name: _asset(name, source.read_bytes()) for name, source in sources.items()}


def address(name: str) -> str:
    """Where a page finds an asset."""
    return assets()[name].address


def served(ask: Ask) -> Answer:
    """An asset by its address. Raises Refused (404)."""
    asset = next((one for one in assets().values() if one.address.endswith(f"/{ask.path[0]}")), None)
    if asset is None:
        raise Refused(404, "There is no such file; the page may be of an older worker: load it again")
    headers = {"Cache-Control": FOREVER, "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding"}
    if "gzip" in ask.headers.get("accept-encoding", ""):
        return Answer(200, asset.packed, {**headers, "Content-Encoding": "gzip"}, asset.kind)
    return Answer(200, asset.content, headers, asset.kind)


def _asset(name: str, content: bytes) -> Asset:
    digest = hashlib.sha256(content).hexdigest()[:12]
    kind = _KINDS[name.rpartition(".")[2]]
    return Asset(f"/console/static/{digest}-{name}", content, gzip.compress(content, 9, mtime=0), kind)
