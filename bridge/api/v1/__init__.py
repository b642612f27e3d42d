"""The bridge's own additions to REST, under ``/bridge/v1/``: what operators and their tools ask."""
