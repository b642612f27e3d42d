"""Configuration: every property declared once, read from files and environment, judged all at once."""

from bridge.config.config import Config, Loaded
from bridge.config.loading import config_of, load_worker
from bridge.config.property import Property
from bridge.config.registry import registry_settings
from bridge.config.topics import TopicTemplate, topic_template

__all__ = [
    "Config",
    "Loaded",
    "Property",
    "TopicTemplate",
    "config_of",
    "load_worker",
    "registry_settings",
    "topic_template",
]
