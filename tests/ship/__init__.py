"""What ships and runs the bridge: packages in every run; image, chart, unit and rules with ``make ship``."""
