"""What an event looks like: the neutral model of its schema, its contract, its subjects, its protection."""
