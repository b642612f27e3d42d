"""JSON Schemas as texts: their types, and where a tag can stand."""
