"""What only the PDF's template needs: fonts by script, long hashes folded."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def scripts(text: str) -> SafeString:
    """Escape `text` and give each script the font that holds it."""
    # every process imports every library of tags; the 22 MiB of a PDF's are for the worker alone
    from reports.pdf import by_script

    return by_script(str(text))


@register.filter
def broken(text: str, longest: int = 28) -> str:
    """Break the words that would run into what stands beside them."""
    return " ".join(folded(word, longest) for word in text.split())


@register.filter
def folded(text: str, size: int = 32) -> str:
    """Break a long word into pieces that fit a narrow column."""
    return " ".join(text[at : at + size] for at in range(0, len(text), size))
