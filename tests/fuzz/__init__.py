"""Fuzzing of every parser of what comes from outside: ``make fuzz``; see ``tests/fuzz/__main__.py``."""
