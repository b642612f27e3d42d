"""Formats: one file each, the same shape each."""
