"""Worker properties from the environment."""

import pytest

from bridge.config.environment import from_environment, property_of


@pytest.mark.parametrize(
    ("variable", "key"),
    [
        ("CONNECT_BOOTSTRAP_SERVERS", "bootstrap.servers"),
        ("CONNECT_OFFSET_STORAGE_TOPIC", "offset.storage.topic"),
        ("CONNECT_A__B", "a_b"),
        ("CONNECT_A___B", "a-b"),
        ("CONNECT_A____B", "a-.b"),
        ("CONNECT_SASL_JAAS_CONFIG", "sasl.jaas.config"),
    ],
)
def test_names_by_the_rule_of_the_images(variable: str, key: str) -> None:
    assert property_of(variable) == key


def test_other_variables_are_left_alone() -> None:
    environ = {"CONNECT_GROUP_ID": "g", "CONNECT_": "x", "CONNECTION": "y", "PATH": "/bin"}
    assert from_environment(environ) == {"group.id": ("CONNECT_GROUP_ID", "g")}
