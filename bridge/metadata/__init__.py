"""Salesforce's declarations of events, from every source, as the neutral model."""
