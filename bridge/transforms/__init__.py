"""Single message transforms and predicates, with the outcomes of Apache Kafka Connect 4.3."""
