"""Every property is declared once; validation, documentation and defaults are derived from the declarations."""
