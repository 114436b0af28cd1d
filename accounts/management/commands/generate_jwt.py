"""API tokens from the command line: a new signing key, a token for a person, a token explained."""

from __future__ import annotations

import argparse
import json
from datetime import timedelta

from django.core.management.base import CommandError

from accounts.commands import misuse
from accounts.json_answers import AnswersJson
from accounts.models import User
from accounts.services.tokens import access_issue, signing_key_rotate
from accounts.tokens.jwts import Refresh, as_written
from accounts.tokens.reading import TokenRefused, family_of_access, family_of_refresh

MOST_MINUTES = 24 * 60  # no token outlives the key that signed it
MOST_CLAIMS = 2048
EXAMPLES = """\
examples:
  manage.py generate_jwt genkey
  manage.py generate_jwt generate --username kim@example.org --expiry 15
  manage.py generate_jwt generate --username kim@example.org --claims '{"project": "lungs"}'
  manage.py generate_jwt decode eyJhbGciOi...
  manage.py generate_jwt generate --username kim@example.org --json | jq -r .token

Exit codes: 0 done, 1 refused or not valid, 2 asked wrongly.
"""


class Command(AnswersJson):
    help = "Make a signing key, make an access token for a person, or explain a token."

    def create_parser(self, prog_name, subcommand, **kwargs):
        kwargs |= {"epilog": EXAMPLES, "formatter_class": argparse.RawDescriptionHelpFormatter}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser) -> None:
        steps = parser.add_subparsers(dest="step", required=True, metavar="genkey|generate|decode")
        words = "let a new key sign; tokens under the old one live out their time"
        new = steps.add_parser("genkey", help=words, description=words)
        words = "print an access token for a person"
        one = steps.add_parser("generate", help=words, description=words)
        one.add_argument("--username", required=True, help="the person's e-mail address")
        one.add_argument(
            "--expiry", type=int, default=5, metavar="MIN",
            help=f"minutes until it ends, 1 to {MOST_MINUTES}; default 5",
        )  # fmt: skip
        one.add_argument("--claims", default="{}", metavar="JSON", help="further claims, an object")
        words = "verify a token and print its header and claims, as JSON always"
        two = steps.add_parser("decode", help=words, description=words)
        two.add_argument("token", help="an access or refresh token")
        for step in (new, one, two):
            step.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *, step: str, **options) -> None:
        if step == "genkey":
            kid = signing_key_rotate()
            self.stdout.write(json.dumps({"kid": str(kid)}) if options["json"] else kid)
            self.stderr.write("This key signs from now on; the old one verifies for a day.", str)
        elif step == "generate":
            self._generate(
                **{name: options[name] for name in ("username", "expiry", "claims", "json")}
            )
        else:
            self._decode(options["token"])

    def _generate(self, username: str, expiry: int, claims: str, json: bool) -> None:
        if not 1 <= expiry <= MOST_MINUTES:
            raise misuse(
                f"--expiry must be 1 to {MOST_MINUTES} minutes. What runs longer wants an API"
                " key: /account/api-keys/."
            )
        lifetime, extra = timedelta(minutes=expiry), _object(claims)
        user = User.objects.filter(email__iexact=username).first()
        if user is None or not user.is_active:
            raise misuse(f"There is no active account “{username}”: give its e-mail address.")
        try:
            token, family = access_issue(user=user, lifetime=lifetime, claims=extra)
        except ValueError as error:
            raise misuse(f"--claims: {error} cannot be set; this site sets it.") from None
        told = {"token": token, "email": user.email, "expires_at": family.ends_at.isoformat()}
        self.stdout.write(_as_json(told) if json else token)
        self.stderr.write(f"For {user.email}, until {family.ends_at:%Y-%m-%d %H:%M} UTC.", str)

    def _decode(self, token: str) -> None:
        header, claims = as_written(token)
        read = family_of_refresh if claims.get("token_type") == Refresh.token_type else None
        try:
            (read or family_of_access)(token)
            why = ""
        except TokenRefused as refused:
            why = str(refused)
        shown = {"valid": not why, "header": header, "claims": claims}
        self.stdout.write(json.dumps(shown, indent=2, ensure_ascii=False))
        if why:
            raise CommandError(why)


def _as_json(told: dict) -> str:
    return json.dumps(told)


def _object(text: str) -> dict:
    try:
        found = json.loads(text, parse_constant=_no_number)
    except ValueError:
        found = None
    if not isinstance(found, dict) or len(text) > MOST_CLAIMS:
        raise misuse(
            f"--claims must be a JSON object of at most {MOST_CLAIMS} characters,"
            """ for instance '{"project": "lungs"}'."""
        )
    return found


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
