"""API credentials: JSON Web Tokens for people, API keys for machines."""
