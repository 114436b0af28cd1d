"""Model folders and what was taken in ↔ ModelVersion rows."""

from imaging.registry.states import model_activate, model_retire
from imaging.registry.sync import SyncReport, models_sync, models_verify

__all__ = ["SyncReport", "model_activate", "model_retire", "models_sync", "models_verify"]
