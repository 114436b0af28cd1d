"""What only the PDF's template needs: fonts by script, long hashes folded."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString

from reports.pdf import by_script

register = template.Library()


@register.filter
def scripts(text: str) -> SafeString:
    """Escape `text` and give each script the font that holds it."""
    return by_script(str(text))


@register.filter
def folded(text: str, size: int = 32) -> str:
    """Break a long word into pieces that fit a narrow column."""
    return " ".join(text[at : at + size] for at in range(0, len(text), size))
