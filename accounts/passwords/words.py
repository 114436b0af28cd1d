"""What is said about a password: one sentence for each reason, one word for each level."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

LEVELS = (_("Very weak."), _("Weak."), _("Fair."), _("Good."), _("Strong."))
REASONS = {
    "short": _("At least 12 characters are needed."),
    "long": _("At most 128 characters are possible."),
    "common": _("It is made of passwords that very many people use."),
    "breached": _("It stands in a list of stolen passwords."),
    "context": _("It is made of your name, your e-mail address or your organisation."),
    "own": _("It is made of words that are tried first here, such as the name of this product."),
    "date": _("It is made of a season, a month, a day or a year, which are tried first."),
    "keys": _("It is made of neighbouring keys or of signs in their order."),
    "repeat": _("It repeats itself."),
    "digits": _("It has only digits."),
    "weak": _("It is easy to guess."),
}
REMEDY = _(
    "Put four or more words in a row that do not belong together, or use a password manager."
)
HINT = _(
    "At least 12 characters of any kind; a few words in a row are good. Nothing that many use,"
    " nothing like your name, e-mail address or organisation. It never runs out."
)
EASY = frozenset(REASONS) - {"short", "long"}  # the remedy stands after these
