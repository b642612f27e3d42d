"""The console in a real browser: each journey by role and label, and what holds for every page."""
