"""Java's ways with regular expressions, numbers, dates and exceptions, as far as Kafka Connect shows them."""
