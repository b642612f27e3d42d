"""The embedded default: a simulated org, a registry and an in-process Kafka. Used by `try` and `sandbox` only."""
