"""Measurements: what the house costs beside its limits, and whether that changed."""
