"""The embedded default: a simulated org, a registry, in-process Kafka. For `try` and `sandbox` only."""
