"""SealedTextField: ciphertext in the database, plain text in Python, bound to its own row."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core import checks
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from accounts.vault.cipher import (
    DamagedField,
    VaultError,
    bound,
    index_of,
    seal_text,
    sealed_kid,
    unseal_text,
)
from accounts.vault.damage import damage_note
from accounts.vault.keys import KeyDestroyed, expect, index_key, key_by_id, owner_key

LOOKUPS = ("exact", "isnull")  # of a blank value; a sealed one cannot be compared


def blind_index(organisation: models.Model | UUID, column: str, value: str) -> str:
    """Return what finds `value` again by equality, 32 hexadecimal digits; "" for a blank value.

    Case, Unicode form and surrounding blanks do not count. Another organisation
    or another column gives another index.
    """
    return index_of(index_key(getattr(organisation, "pk", organisation)), column, value)


class Sealed:
    """A ciphertext as it comes from the database; it never shows itself as text."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "<sealed>"


class SealedAttribute(DeferredAttribute):
    """Opens the value when it is first read, and keeps the plain text on the instance."""

    def __get__(self, instance: models.Model | None, cls: type | None = None) -> Any:
        if instance is None:
            return self
        name = self.field.attname
        if name not in instance.__dict__:  # deferred: fetch the one column
            row = type(instance)._base_manager.db_manager(instance._state.db)
            instance.__dict__[name] = row.values_list(name, flat=True).get(pk=instance.pk)
        value = instance.__dict__[name]
        if isinstance(value, Sealed):
            value = instance.__dict__[name] = self.field.unseal(instance, value)
        return value

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class SealedTextField(models.TextField):
    """Text sealed under the key of the row's patient, else of its organisation.

    The model has a UUID primary key set at init and an `organisation`; where
    `vault_patient_id` names a patient, that patient's key is used. Bound to
    table, column, row and organisation: a moved value raises DamagedField.
    Blank is stored as blank. Written by save, create and bulk_create alone; to
    find a row by such a value, keep a `blind_index` beside it.
    """

    description = "Text, encrypted"
    descriptor_class = SealedAttribute

    def unseal(self, instance: models.Model, value: Sealed) -> str:
        try:
            key = key_by_id(sealed_kid(value.text))
            return unseal_text(key, value.text, self._place(instance))
        except KeyDestroyed:  # erased on purpose
            raise
        except VaultError:
            damage_note(instance, "value")
            raise

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Seal the value anew; an unread one is opened first, so it is known to be this row's."""
        value = getattr(model_instance, self.attname)
        if hasattr(value, "resolve_expression"):
            raise TypeError(f"{self} is encrypted: it cannot take a database expression")
        text = self.to_python(value)
        if not text:
            return text
        patient_id = getattr(model_instance, "vault_patient_id", None)
        key = owner_key(model_instance.organisation_id, patient_id)
        return Sealed(seal_text(key, text, self._place(model_instance)))

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        if not value:
            return value
        try:
            expect(sealed_kid(value))
        except DamagedField:
            return Sealed(value)  # the list still shows; reading this one value raises
        return Sealed(value)

    def get_prep_value(self, value: Any) -> str | None:
        if isinstance(value, Sealed):
            return value.text
        if value is None or value == "":
            return value
        raise TypeError(
            f"{self} is encrypted: use save(), create() or bulk_create() to write it,"
            " and a blind index to find it"
        )

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name not in LOOKUPS:
            raise TypeError(f"{self} is encrypted: there is no lookup {lookup_name!r}")
        return super().get_lookup(lookup_name)

    def value_to_string(self, obj: models.Model) -> str:
        raise TypeError(f"{self} is encrypted: a dump would hold it in clear")

    def db_check(self, connection: Any) -> str:
        """Let SQL refuse plain text, whoever writes it."""
        column = connection.ops.quote_name(self.column)
        return f"{column} = '' OR substr({column}, 1, 3) = 'v1.'"

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        return [*super().check(**kwargs), *self._check_model(), *self._check_not_searched()]

    def _place(self, instance: models.Model) -> bytes:
        return bound(self.model._meta.db_table, self.column, instance.pk, instance.organisation_id)

    def _check_model(self) -> list[checks.CheckMessage]:
        names = {field.attname for field in self.model._meta.get_fields() if field.concrete}
        pk = self.model._meta.pk
        if "organisation_id" in names and isinstance(pk, models.UUIDField) and pk.has_default():
            return []
        message = "A sealed field needs an organisation and a UUID primary key with a default."
        return [checks.Error(message, obj=self, id="vault.E001")]

    def _check_not_searched(self) -> list[checks.CheckMessage]:
        if not (self.unique or self.db_index):
            return []
        message = "A sealed field cannot be unique or indexed: no two seals are equal."
        return [checks.Error(message, hint="Use a blind index.", obj=self, id="vault.E002")]
