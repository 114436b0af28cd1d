"""JSON as people write it: comments and a comma before a closing bracket are taken out."""

from __future__ import annotations

import re

# a text in quotes stands first, so that nothing inside it is taken for a comment
_TOKEN = re.compile(
    r'(?P<text>"(?:\\.|[^"\\\n])*")|//[^\n]*|#[^\n]*|/\*.*?\*/|,(?=\s*[}\]])', re.DOTALL
)


def without_comments(text: str) -> str:
    """Return JSON without //, # and /* */ comments, then without trailing commas."""
    return _kept(_kept(text))  # a comma may stand before a comment


def _kept(text: str) -> str:
    return _TOKEN.sub(lambda match: match["text"] or "", text)
