"""``sfbridge auth keystore``: writes the files and says what to do with them."""

from __future__ import annotations

import argparse
import base64
import secrets
import sys
from pathlib import Path

from bridge.cli.output import print_json
from bridge.cli.written import put, writing
from bridge.errors import ConfigurationError, Fault

NAME = "salesforce-jwt"
MAX_DAYS = 36_500
MIN_PASSWORD = 6  # keytool's own minimum: a shorter one could not be managed with Java's tools


def make_keystore(args: argparse.Namespace) -> int:
    """Make and write, or raise ConfigurationError and write nothing."""
    from bridge.salesforce.keymaker import make_pair

    password, invented = _password(args.password)
    faults = list(_faults(args, password))
    folder: Path = args.out
    paths = {kind: folder / f"{NAME}.{kind}" for kind in ("p12", "crt", "properties")}
    if not args.force:
        faults += [
            Fault("--out", f"{path} is there already; choose another --out, or overwrite with --force")
            for path in paths.values()
            if path.exists()
        ]
    if faults:
        raise ConfigurationError(faults)
    keystore, certificate = make_pair(args.common_name, args.days, password, NAME)
    url = "data:text/plain;base64," + base64.b64encode(keystore).decode("ascii")
    properties = f"keystore={url}\npassword={_escaped(password)}\n"
    with writing("--out", folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        put({paths["p12"]: keystore, paths["crt"]: certificate, paths["properties"]: properties.encode()})
    if args.output == "json":
        print_json(_facts(paths, args.days, _connector_lines(url, password) if args.print_config else None))
    else:
        _tell(paths, invented, _connector_lines(url, password) if args.print_config else None)
    return 0


def _password(given: str) -> tuple[str, bool]:
    if given == "generated":
        return secrets.token_urlsafe(24), True
    if given == "-":
        return sys.stdin.readline().rstrip("\r\n"), False
    return given, False


def _faults(args: argparse.Namespace, password: str) -> list[Fault]:
    faults = []
    if not 1 <= args.days <= MAX_DAYS:
        faults.append(Fault("--days", f"must be between 1 and {MAX_DAYS}", str(args.days)))
    if not 1 <= len(args.common_name) <= 64:
        faults.append(Fault("--common-name", "must have 1 to 64 characters (X.520)"))
    # Kafka Connect trims every value, so a password with blanks around it could not be configured.
    if len(password) < MIN_PASSWORD or not password.isprintable() or password != password.strip():
        message = f"must have at least {MIN_PASSWORD} printable characters, and no blank at either end"
        faults.append(Fault("--password", message))
    return faults


def _escaped(password: str) -> str:
    """As a value of a .properties file, in ASCII: Java's readers differ in the encoding they assume."""
    units = password.encode("utf-16-be")
    codes = [int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2)]
    return "".join(
        f"\\u{code:04x}" if code > 126 else f"\\{chr(code)}" if chr(code) in "\\:=#! " else chr(code)
        for code in codes
    )


def _connector_lines(url: str, password: str) -> dict[str, str]:
    return {
        "salesforce.grant.type": "JWT_BEARER",
        "salesforce.jwt.keystore.file": url,
        "salesforce.jwt.keystore.password": password,
    }


def _facts(paths: dict[str, Path], days: int, lines: dict[str, str] | None) -> dict[str, object]:
    facts: dict[str, object] = {
        "keystore": str(paths["p12"]),
        "certificate": str(paths["crt"]),
        "properties": str(paths["properties"]),
        "days": days,
    }
    return facts if lines is None else {**facts, "config": lines}


NEXT = """
Next:
1. In Salesforce, create an External Client App (or Connected App) with the JWT bearer flow, upload
   {certificate}, and choose the scopes 'api' and 'refresh_token, offline_access'.
2. In the app's policies, set Permitted Users to 'Admin approved users are pre-authorized', and give
   the connector's user a profile or permission set of the app.
3. In the connector, set salesforce.username, salesforce.consumer.key (the app's) and these lines, then
   try it with: sfbridge auth test CONNECTOR
"""


def _tell(paths: dict[str, Path], invented: bool, lines: dict[str, str] | None) -> None:
    for what, kind in (("keystore", "p12"), ("certificate", "crt"), ("for the connector", "properties")):
        print(f"{what:<18}{paths[kind]}")
    verb = "was invented and stands" if invented else "stands"
    print(f"The password {verb} in the last of these files, which only you can read.")
    file = paths["properties"].absolute()
    references = _connector_lines(f"${{file:{file}:keystore}}", f"${{file:{file}:password}}")
    if not lines:
        from bridge.config.external import lines_for

        print("If the connector is made by REST, worker.properties needs these, too:\n")
        print("\n".join(lines_for(references.values())))
    print(NEXT.format(certificate=paths["crt"]))
    print_json(lines or references)
