"""The environment, read in one place, refused out loud when it is wrong."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env

KEY_BYTES = 32
DEVELOPMENT, PRODUCTION = "development", "production"
_BOOLS = {"1": True, "true": True, "yes": True, "on": True,
          "0": False, "false": False, "no": False, "off": False}  # fmt: skip
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_DATABASES = ("django.db.backends.sqlite3", "django.db.backends.postgresql")
_MAIL = "django.core.mail.backends"
_MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
_SYSLOG = ("udp", "tcp", "tls")
_dotenv: dict[str, str] = {}
_files: dict[str, Path] = {}
_read: dict[str, str] = {}


def read_dotenv(path: Path) -> None:
    """Remember the KEY=VALUE lines of `path`, if it exists; the real environment wins.

    A value may stand in single or double quotes; without quotes it ends at " #".
    The variables stay in this process: children do not inherit what .env says.
    """
    if not path.exists():
        return
    _files[path.name] = path
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:  # the line may hold a secret: name its place only
            raise ImproperlyConfigured(f"{path}, line {number}: expected NAME=value")
        _dotenv[match[1]] = _unquoted(match[2], f"{path}, line {number}")


def env_str(name: str, default: str | None = None) -> str:
    """Return $NAME; an empty value counts as none. Without a default it must be set."""
    given = os.environ.get(name) or _dotenv.get(name)
    _read[name] = given or ""
    value = given or default
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set. Set it in the environment or in .env.")
    return value


def env_bool(name: str, default: bool | None = None) -> bool:
    text = env_str(name, None if default is None else str(default)).strip()
    try:
        return _BOOLS[text.lower()]
    except KeyError:
        raise ImproperlyConfigured(f"{name}={text!r}: write true or false.") from None


def env_int(name: str, default: int | None = None) -> int:
    text = env_str(name, None if default is None else str(default)).strip()
    if not re.fullmatch(r"-?[0-9]+", text):
        raise ImproperlyConfigured(f"{name}={text!r}: write a whole number.")
    return int(text)


def env_list(name: str, default: Sequence[str] | None = None) -> list[str]:
    """Return the comma-separated parts of $NAME, without blanks around them."""
    text = env_str(name, None if default is None else ",".join(default))
    return [part.strip() for part in text.split(",") if part.strip()]


def env_path(name: str, default: Path | None = None) -> Path:
    """Return $NAME as an absolute path; "~" is the home folder."""
    text = env_str(name, None if default is None else str(default))
    return Path(text).expanduser().absolute()


def env_choice(name: str, choices: Sequence[str], default: str) -> str:
    """Return $NAME, which must be one of `choices`."""
    text = env_str(name, default).strip()
    if text not in choices:
        raise ImproperlyConfigured(f"{name}={text!r}: write {' or '.join(choices)}.")
    return text


def environment() -> str:
    """Return $ENVIRONMENT; without it an https address means production, else development."""
    at_https = env_str("PUBLIC_BASE_URL", "").startswith("https://")
    return env_choice(
        "ENVIRONMENT", (DEVELOPMENT, PRODUCTION), PRODUCTION if at_https else DEVELOPMENT
    )


def env_path_or_none(name: str) -> Path | None:
    """Return the file that $NAME names, or None where it is not set."""
    if not env_str(name, ""):
        return None
    path = env_path(name)
    if not path.is_file():
        raise ImproperlyConfigured(f"{name}={str(path)!r}: there is no such file.")
    return path


def env_secret(name: str, default: str | None = None) -> str:
    """Return $NAME, or the text of the file that $NAME_FILE names (Docker secrets)."""
    path = env_str(f"{name}_FILE", "")
    if path and os.environ.get(name):
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set. Remove one of them.")
    if path:
        return _secret_text(name, Path(path))
    value = env_str(name, "") or default
    if value is None:
        raise ImproperlyConfigured(
            f"{name} is not set. Set {name} or {name}_FILE,"
            " or write a file with fresh secrets: python manage.py create_env_file --output .env"
        )
    return value


def secret_files() -> dict[str, Path]:
    """Return the files that secrets were read from so far, by what names them."""
    return dict(_files)


def settings_read() -> dict[str, str]:
    """Return what was asked for so far and what was given, "" for nothing; secrets are in it."""
    return dict(_read)


def environment_with(more: dict[str, str]) -> dict[str, str]:
    """Return this process's environment and `more`, for a program of the system."""
    return os.environ | more


def env_key(name: str) -> bytes:
    """Return a key of 32 bytes, written in base64 in $NAME or the file of $NAME_FILE."""
    try:
        key = base64.b64decode(env_secret(name), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ImproperlyConfigured(f"{name} is not base64. {_key_remedy()}") from None
    if len(key) != KEY_BYTES:
        raise ImproperlyConfigured(
            f"{name} holds {len(key)} bytes; {KEY_BYTES} are needed. {_key_remedy()}"
        )
    return key


def database(url: str) -> dict[str, Any]:
    """Return the DATABASES entry for a DATABASE_URL: sqlite:///path or postgres://…"""
    scheme = url.partition(":")[0]
    remedy = "Write sqlite:////absolute/path or postgres://user:password@host/name."
    if scheme not in ("sqlite", "postgres", "postgresql"):
        raise ImproperlyConfigured(f"DATABASE_URL begins with {scheme!r}. {remedy}")
    try:
        config = Env.db_url_config(url)
    except (ValueError, KeyError, TypeError):  # the text may hold a password: do not repeat it
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read. {remedy}") from None
    if config.get("ENGINE") not in _DATABASES or config.get("NAME") in ("", ":memory:"):
        raise ImproperlyConfigured(f"DATABASE_URL names no database. {remedy}")
    return config


def email(url: str, folder: str) -> dict[str, Any]:
    """Return the EMAIL_* settings: a server's, a folder's, or without both the terminal's.

    `url` (EMAIL_URL) is smtp://, smtp+tls:// or smtps://; `folder` is EMAIL_FILE_DIR.
    """
    if url and folder:
        raise ImproperlyConfigured("EMAIL_URL and EMAIL_FILE_DIR are both set. Remove one of them.")
    if folder:
        return {"EMAIL_BACKEND": f"{_MAIL}.filebased.EmailBackend", "EMAIL_FILE_PATH": folder}
    if url:
        return _mail_server(url)
    return {"EMAIL_BACKEND": f"{_MAIL}.console.EmailBackend"}


def networks(name: str, texts: Sequence[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return the networks of $NAME, each an address or as 10.1.0.0/16."""
    try:
        return tuple(ip_network(text, strict=False) for text in texts)
    except ValueError:
        raise ImproperlyConfigured(
            f"{name}: write addresses or networks separated by commas, such as 10.1.0.0/16."
        ) from None


def syslog(url: str) -> str:
    """Return the address that receives the trail's checkpoints, checked; "" for none."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        is_right = (
            parts.scheme in ("udp", "tcp", "tls") and bool(parts.hostname) and parts.port != 0
        )
    except ValueError:
        is_right = False
    if not is_right:
        raise ImproperlyConfigured(
            f"AUDIT_SYSLOG={url!r}: write tls://host:6514, tcp:// or udp://."
        )
    return url


def _mail_server(url: str) -> dict[str, Any]:
    remedy = "Write smtp+tls://user:password@host:587, smtps://… or smtp://…"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # the text may hold a password: do not repeat it
        raise ImproperlyConfigured(f"EMAIL_URL cannot be read. {remedy}") from None
    if parts.scheme not in _MAIL_PORTS or not parts.hostname:
        raise ImproperlyConfigured(f"EMAIL_URL names no mail server. {remedy}")
    return {
        "EMAIL_BACKEND": f"{_MAIL}.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or _MAIL_PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_TIMEOUT": 10,
    }


def _secret_text(name: str, path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ImproperlyConfigured(f"{name}_FILE={path}: cannot be read ({reason}).") from None
    if not text:
        raise ImproperlyConfigured(f"{name}_FILE={path}: the file is empty.")
    _files[f"{name}_FILE"], _read[name] = path, text
    return text


def _unquoted(text: str, place: str) -> str:
    text = text.strip()
    if text[:1] in ("'", '"'):
        value, closed, rest = text[1:].partition(text[0])
        if not closed or (rest.strip() and not rest.strip().startswith("#")):
            raise ImproperlyConfigured(f"{place}: the quotes do not match")
        return value
    return re.split(r"(?:^|\s)#", text, maxsplit=1)[0].strip()


def _key_remedy() -> str:
    return "Make one: openssl rand -base64 32"
