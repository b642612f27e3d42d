"""What an event looks like: the neutral model, how it is inferred, and where it is registered."""
