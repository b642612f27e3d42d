"""REST: Kafka Connect's API, the managed connector's cloud paths, metrics and health."""
