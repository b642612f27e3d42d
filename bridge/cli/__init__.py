"""The command line: one file per command group, a thin skin over the rooms."""
