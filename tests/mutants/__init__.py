"""Mutants: small changes of the code that would break a promise, and the tests that must notice (``make mutants``)."""
