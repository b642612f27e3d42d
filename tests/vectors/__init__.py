"""Recorded answers of the real systems, and the runners that hold the bridge against them."""
