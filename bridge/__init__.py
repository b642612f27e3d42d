"""Salesforce platform events into Apache Kafka: schema-aware, field-encrypted, exactly once."""

__version__ = "0.1.0"
