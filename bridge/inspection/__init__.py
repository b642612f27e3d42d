"""What is looked at before or beside a run: online checks, preview, differences, explanations; it writes nothing."""
