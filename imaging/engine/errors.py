"""What can become of a call besides an answer; `str(error)` may be shown to the user."""

from __future__ import annotations


class EngineError(Exception):
    """The engine gave no answer."""

    sentence = "The analysis failed unexpectedly."

    def __init__(self, sentence: str = "") -> None:
        super().__init__(sentence or self.sentence)


class EngineDied(EngineError):
    """The child ended, or said what no child may say and was ended."""

    sentence = "The analysis process stopped unexpectedly (out of memory or a damaged file)."


class EngineTimeout(EngineError):
    """The child passed its deadline and was ended."""

    sentence = "The analysis took too long and was stopped."


class EngineFailed(EngineError):
    """An operation raised what nobody foresaw; the traceback is in the log."""
