"""What can go wrong with a model, in words fit for the person who asked for the analysis."""

from __future__ import annotations

from imaging.types import InferenceError


class MetadataError(InferenceError):
    """A metadata.json or an ensemble file says something that cannot be."""


class ModelFileError(InferenceError):
    """A model file is missing, changed, or not of a kind that is run here."""
