"""Everything that talks to Kafka: producer, positions, consumer, admin."""
