"""Settings: base, then dev, prod or test; `chosen` picks by ENVIRONMENT."""
