"""`make words`: bring the catalogues of the other languages up to date; no system tool is needed.

What the code and the templates say is read by Babel, a development dependency. New
strings stand in the .po with an empty translation until somebody writes one; strings
that are no longer said are dropped. The compiled .mo is committed beside it, so that
a running site needs neither Babel nor gettext's tools.
"""

from __future__ import annotations

import importlib.util
import io
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("accounts", "imaging", "analytics", "reports", "mediscan", "templates")
LANGUAGES = ("de",)
KEYWORDS = {
    **dict.fromkeys(("_", "_lazy", "gettext", "gettext_lazy", "gettext_noop"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    "npgettext": ((1, "c"), 2, 3),
}
COMMAND = "make words"
ACTS = "accounts/audit/actions.py"  # pure: it loads without the house
ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)  # of the file's head: a date would differ in each branch


def said(language: str | None = None, root: Path = ROOT):
    """Return a catalogue of everything that the house says, without translations."""
    from babel.messages.catalog import Catalog

    catalogue = Catalog(
        locale=language, project="MediScan", version="1", fuzzy=False, header_comment="# MediScan",
        creation_date=ALWAYS, revision_date=ALWAYS, last_translator="MediScan",
        language_team="MediScan", msgid_bugs_address="MediScan", charset="utf-8",
    )  # fmt: skip
    for path in _sources(root):
        for _line, message, notes, context in _in(path):
            place = path.relative_to(root).as_posix()
            catalogue.add(message, None, [(place, None)], user_comments=notes, context=context)
    for message in _acts(root / ACTS):
        catalogue.add(message, None, [(ACTS, None)])
    return catalogue


def kept(language: str):
    """Return the catalogue of `language` as it is in the tree."""
    from babel.messages.pofile import read_po

    with po_of(language).open("rb") as file:
        return read_po(file, locale=language)


def update(language: str) -> list[str]:
    """Bring the .po to what is said now and compile it; return what has no translation."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import write_po

    wanted, old = said(language), kept(language)
    for message in list(wanted):
        if message.id and (known := old.get(message.id, message.context)):
            message.string = known.string
    with po_of(language).open("wb") as file:
        write_po(file, wanted, sort_output=True, no_location=True, width=0, omit_header=False)
    with po_of(language).with_suffix(".mo").open("wb") as file:
        write_mo(file, kept(language))
    return [words_of(message) for message in kept(language) if message.id and not is_whole(message)]


def is_whole(message) -> bool:
    """Whether each form has a translation and nobody doubts it."""
    forms = [message.string] if isinstance(message.string, str) else list(message.string)
    return not message.fuzzy and len(forms) == (2 if message.pluralizable else 1) and all(forms)


def words_of(message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def po_of(language: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / "django.po"


def _acts(path: Path) -> set[str]:
    """Return the words of the trail, which its table composes: read from the table itself."""
    spec = importlib.util.spec_from_file_location("acts_of_the_trail", path)
    table = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(table)
    return {*table.GROUPS.values(), *table.OUTCOMES, *(one.words for one in table.ACTIONS.values())}


def _sources(root: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".py", ".html", ".txt") and "migrations" not in path.parts:
                yield path


def _in(path: Path) -> Iterable[tuple]:
    from babel.messages.extract import extract
    from django.utils.translation.template import templatize

    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":  # a template becomes code that says the same; its indents are none
        text = "\n".join(line.strip() for line in templatize(text, origin=str(path)).splitlines())
    return extract("python", io.BytesIO(text.encode()), keywords=KEYWORDS)


def main() -> int:
    """Update every catalogue; 1 where translations are missing."""
    missing = {language: update(language) for language in LANGUAGES}
    for language, words in missing.items():
        print(f"{po_of(language).relative_to(ROOT)}: {len(words)} without a translation")
        print(*(f"  {one}" for one in words), sep="\n")
    return 1 if any(missing.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
