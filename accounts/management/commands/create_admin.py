"""The first administrator of a new installation."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.commands import HouseCommand, misuse
from accounts.services.first_admin import first_admin_create


class Command(HouseCommand):
    help = "Make a first administrator with a random password, if there is no account at all."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--email", default="admin@localhost",
                            help="with which they sign in")  # fmt: skip
        parser.add_argument("--organisation", default="Your hospital",
                            help="whose administrator they are")  # fmt: skip

    def handle(self, *, email: str, organisation: str, **options) -> None:
        try:
            validate_email(email)
        except ValidationError:
            raise misuse(f"“{email}” is no e-mail address: give one as kim@example.org.") from None
        password = first_admin_create(email=email, organisation_name=organisation)
        if password is None:
            return
        self.stdout.write(self.style.SUCCESS("A first administrator was created:"))
        self.stdout.write(f"  e-mail    {email}")
        self.stdout.write(f"  password  {password}")
        self.stdout.write("It is shown only now and must be changed at the first login.")
