"""The transforms themselves, a module each."""
