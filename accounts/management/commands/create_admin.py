"""The first administrator of a new installation."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from accounts.services.first_admin import first_admin_create


class Command(BaseCommand):
    help = "Make a first administrator with a random password, if there is no account at all."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--email", default="admin@localhost")
        parser.add_argument("--organisation", default="Your hospital")

    def handle(self, *, email: str, organisation: str, **options) -> None:
        try:
            validate_email(email)
        except ValidationError:
            raise CommandError(f"“{email}” is no e-mail address.") from None
        password = first_admin_create(email=email, organisation_name=organisation)
        if password is None:
            return
        self.stdout.write(self.style.SUCCESS("A first administrator was created:"))
        self.stdout.write(f"  e-mail    {email}")
        self.stdout.write(f"  password  {password}")
        self.stdout.write("It is shown only now and must be changed at the first login.")
