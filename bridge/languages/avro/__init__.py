"""Avro schemas as texts: their types, and where a tag can stand."""
