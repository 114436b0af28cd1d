"""Arrays in, arrays out. Nothing in this folder knows of Django, users or settings."""
