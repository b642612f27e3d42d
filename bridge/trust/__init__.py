"""Keystores, trust stores and TLS contexts, by their content."""
