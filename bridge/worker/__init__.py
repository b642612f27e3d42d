"""Many connectors, many processes: state in compacted topics, a leader elected by Kafka, one owner a connector."""
