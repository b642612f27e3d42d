"""The page of trust: who may do what, what each reaches at most, what widens it. Every cell is held by tests."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from bridge.api.build import open_door
from bridge.api.users import hash_password
from bridge.config import config_of
from bridge.config.declarations import CONNECTOR, WORKER

ROOT = Path(__file__).parents[3]
GUARD = "tests/unit/api/test_guard.py"
REFERENCES = "tests/unit/api/test_references.py"
EGRESS = "tests/unit/config/test_egress.py"
READER = f"{GUARD}::test_a_reader_sees_no_secret_and_changes_nothing"
ROLES = f"{GUARD}::test_who_is_let_in_and_as_what"
NOBODY = f"{GUARD}::test_nobody_learns_anything"
LISTENERS = "tests/unit/api/test_listeners.py::test_what_others_can_reach_needs_users_or_an_acknowledgement"
HOSTS = f"{EGRESS}::test_no_connection_is_made_to_what_is_not_listed"
HERE = "tests/unit/api/test_trust.py::test_a_door_that_is_open_is_said_to_be"

#: Who → tests of the cells, in the order of the columns.
HELD: dict[str, tuple[list[str], list[str], list[str]]] = {
    "page in a browser": (
        [f"{GUARD}::test_pages_of_other_origins"],
        [
            "tests/unit/api/test_listeners.py::test_there_is_no_cors",
            f"{GUARD}::test_a_host_that_is_none_of_ours",
            "tests/unit/api/test_sessions.py::test_a_browser_signs_in_looks_changes_and_signs_out",
            "tests/unit/api/test_sessions.py::test_a_foreign_page_can_use_no_sign_in",
        ],
        [f"{GUARD}::test_pages_of_other_origins", f"{GUARD}::test_a_host_of_ours"],
    ),
    "nobody known": (
        [NOBODY],
        [
            f"{GUARD}::test_an_unknown_name_costs_what_a_known_one_costs",
            "tests/unit/api/test_load.py::test_guessers_wait_for_one_another",
            "tests/unit/api/test_load.py::test_who_is_nobody_is_told_before_the_body",
        ],
        [ROLES],
    ),
    "user of this machine": ([ROLES], [HERE], [LISTENERS]),
    "read": ([READER], [READER], [ROLES]),
    "records": ([READER], [READER], [ROLES]),
    "write": (
        [READER, "tests/unit/api/test_operations.py::test_the_cloud_validates_with_metadata_and_alias"],
        [
            f"{REFERENCES}::test_without_providers_nothing_of_the_worker_can_be_read",
            "tests/unit/worker/test_masks.py::test_no_secret_goes_to_a_place_that_it_did_not_go_to",
            "tests/unit/api/test_overrides.py::test_half_an_override_is_refused_on_its_property",
            "tests/unit/api/test_overrides.py::test_an_override_with_its_own_login_holds_nothing_of_the_workers",
        ],
        [
            f"{REFERENCES}::test_a_provider_gives_what_it_is_restricted_to",
            HOSTS,
            "tests/unit/api/test_literals.py::test_literals_come_back_as_they_were_sent_where_the_operator_says_so",
        ],
    ),
    "operator of the worker": (
        ["tests/unit/api/test_overrides.py::test_the_operators_file_may_override_as_it_likes"],
        [f"{EGRESS}::test_what_the_worker_names_itself_stays_open"],
        ["tests/unit/config/test_loading_references.py::test_values_that_stand_elsewhere_in_both_files"],
    ),
    "schema registry": (
        [
            "tests/unit/routing/test_resolver.py::test_tags_and_rules_that_the_registered_schema_lacks_are_a_new_version"
        ],
        [
            "tests/unit/routing/test_protected.py::test_a_registry_that_drops_rule_sets",
            "tests/unit/encryption/test_deks.py::test_a_kek_with_another_key_than_the_rule_says",
        ],
        ["tests/unit/routing/test_ledger.py::test_nothing_protected_is_fatal_unless_it_is_acknowledged"],
    ),
    "Salesforce org": (
        [HOSTS],
        [
            HOSTS,
            "tests/unit/routing/test_conversion.py::test_an_exception_becomes_a_bad_record_of_the_field_without_its_text",
        ],
        [f"{EGRESS}::test_the_managed_list_binds_salesforce_and_proxies_only"],
    ),
    "broker, other clients of topics": (
        ["tests/integration/test_encryption_leaks.py::test_nothing_plain_in_topics_or_logs"],
        [
            "tests/integration/test_encryption_leaks.py::test_nothing_plain_in_topics_or_logs",
            "tests/unit/worker/test_state.py::test_no_record_of_anybody_breaks_the_reader",
        ],
        ["tests/integration/test_worker_rights.py::test_one_less_is_named"],
    ),
}


def rows() -> dict[str, tuple[str, str, str]]:
    """The table of the page: who → the other cells."""
    page = (ROOT / "docs" / "security.md").read_text()
    lines = page.partition("| who | may |")[2].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[: lines.index("")]]
    return {who.strip("`"): (may, most, widens) for who, may, most, widens in cells}


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_cell_is_held_by_tests_that_are_there() -> None:
    assert set(rows()) == set(HELD)
    for who, columns in HELD.items():
        for cell, held in zip(rows()[who], columns, strict=True):
            assert cell, who
            assert held, f"{who}: {cell}"
            for one in held:
                path, _, name = one.partition("::")
                assert name in names_in(path), one


def test_the_properties_that_the_page_names_are_there() -> None:
    named = {
        key
        for cells in rows().values()
        for text in cells
        for key in re.findall(r"`([a-z]+(?:\.[a-z]+)+)`", text)
    }
    assert len(named) >= 8
    assert not [key for key in named if WORKER.find(key) is None and CONNECTOR.find(key) is None]


def test_a_door_that_is_open_is_said_to_be(tmp_path: Path) -> None:
    """One line says what any user of this machine may then do."""

    def said(**given: str) -> str | None:
        return open_door(config_of({key.replace("__", "."): text for key, text in given.items()}, WORKER))

    line = said() or ""
    assert "any user of this machine may see, create, change and stop connectors" in line
    assert "connect to any host" in line
    assert "bridge.rest.users.file" in line
    assert "\n" not in line
    assert "config.providers" not in line
    package = "org.apache.kafka.common.config.provider"
    provider = {
        "config__providers": "env",
        "config__providers__env__class": f"{package}.EnvVarConfigProvider",
    }
    line = said(**provider, bridge__egress__allowed="*.salesforce.com") or ""
    assert "read what config.providers (env) allow" in line
    assert "the hosts of bridge.egress.allowed" in line
    line = said(listeners="http://0.0.0.0:8083", bridge__rest__allow__anonymous="true") or ""
    assert "whoever reaches a listener may" in line
    users = tmp_path / "users"
    users.write_text(f"key:{hash_password('x')}\n")
    assert said(bridge__rest__users__file=str(users)) is None


@pytest.mark.parametrize("heading", ["## Who may do what", "## Field-level encryption", "### Threat model"])
def test_the_page_has_its_parts(heading: str) -> None:
    assert f"\n{heading}\n" in (ROOT / "docs" / "security.md").read_text()
