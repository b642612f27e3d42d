"""Schema languages as texts: how names are spelled in them, and where a tag reaches."""
