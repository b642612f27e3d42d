"""From an event to where its record goes, and how it is written."""
