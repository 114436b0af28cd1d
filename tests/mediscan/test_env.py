"""The environment: what is read, and what is refused by name."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from mediscan import env

NAME = "MEDISCAN_TEST_VARIABLE"


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch):
    monkeypatch.setattr(env, "_dotenv", {})
    for name in (NAME, f"{NAME}_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def set_to(monkeypatch):
    return lambda value: monkeypatch.setenv(NAME, value)


def test_a_text_is_read_or_its_default(set_to):
    assert env.env_str(NAME, "default") == "default"
    set_to("value")
    assert env.env_str(NAME, "default") == env.env_str(NAME) == "value"


def test_an_empty_value_counts_as_none(set_to):
    """As compose passes VAR=${VAR:-} on."""
    set_to("")
    assert env.env_str(NAME, "default") == "default"
    assert env.env_int(NAME, 5) == 5
    assert env.env_bool(NAME, default=True) is True


@pytest.mark.parametrize(
    "read",
    [env.env_str, env.env_bool, env.env_int, env.env_list, env.env_path, env.env_secret,
     env.env_key],
)  # fmt: skip
def test_a_missing_variable_is_refused_by_name(read):
    with pytest.raises(ImproperlyConfigured, match=NAME):
        read(NAME)


@pytest.mark.parametrize("text", ["1", "true", "True", "YES", "on", " true "])
def test_yes(set_to, text):
    set_to(text)
    assert env.env_bool(NAME) is True


@pytest.mark.parametrize("text", ["0", "false", "No", "off"])
def test_no(set_to, text):
    set_to(text)
    assert env.env_bool(NAME, default=True) is False


@pytest.mark.parametrize("text", ["ture", "2", "None"])
def test_a_misspelt_truth_is_refused(set_to, text):
    set_to(text)
    with pytest.raises(ImproperlyConfigured, match=f"{NAME}='{text}': write true or false"):
        env.env_bool(NAME, default=False)


def test_a_whole_number(set_to):
    set_to("-12")
    assert env.env_int(NAME) == -12
    assert env.env_int("MEDISCAN_TEST_OTHER", 0) == 0


@pytest.mark.parametrize("text", ["1.5", "two", "1_000", "٣"])
def test_no_whole_number_is_refused(set_to, text):
    set_to(text)
    with pytest.raises(ImproperlyConfigured, match="write a whole number"):
        env.env_int(NAME, 1)


def test_a_list_is_split_at_commas(set_to):
    set_to(" a.example, b.example ,,")
    assert env.env_list(NAME) == ["a.example", "b.example"]
    assert env.env_list("MEDISCAN_TEST_OTHER", ["x", "y"]) == ["x", "y"]
    assert env.env_list("MEDISCAN_TEST_OTHER", []) == []


def test_a_path_is_absolute(set_to):
    set_to("some/folder")
    assert env.env_path(NAME) == Path.cwd() / "some/folder"
    set_to("~/folder")
    assert env.env_path(NAME) == Path.home() / "folder"
    assert env.env_path("MEDISCAN_TEST_OTHER", Path("/x")) == Path("/x")


def test_a_secret_comes_from_the_variable_or_its_file(monkeypatch, set_to, tmp_path):
    set_to("secret")
    assert env.env_secret(NAME) == "secret"
    monkeypatch.delenv(NAME)
    (tmp_path / "secret").write_text("from a file\n")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "secret"))
    assert env.env_secret(NAME) == "from a file"


def test_a_secret_may_have_a_default():
    assert env.env_secret(NAME, "") == ""


def test_a_secret_in_both_places_is_refused(monkeypatch, set_to, tmp_path):
    set_to("secret")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "secret"))
    with pytest.raises(ImproperlyConfigured, match="both set"):
        env.env_secret(NAME)


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe\xff"])
def test_a_secret_file_that_cannot_be_used_is_refused(monkeypatch, tmp_path, content):
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "secret"))
    with pytest.raises(ImproperlyConfigured, match=f"{NAME}_FILE"):
        env.env_secret(NAME)


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_key_is_32_bytes_in_base64(set_to, encode):
    key = bytes([251, 255] * 16)
    set_to(encode(key).decode())
    assert env.env_key(NAME) == key


@pytest.mark.parametrize(
    ("text", "said"),
    [("c2hvcnQ=", "5 bytes; 32 are needed"), ("not base64!", "not base64"), ("é", "not base64")],
)
def test_another_key_is_refused_without_being_shown(set_to, text, said):
    set_to(text)
    with pytest.raises(ImproperlyConfigured, match=said) as refusal:
        env.env_key(NAME)
    assert text not in str(refusal.value)


def test_a_dotenv_is_read_and_the_environment_wins(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text(
        "# a comment\n"
        "\n"
        "PLAIN=one two   # said beside\n"
        "export EXPORTED=yes\n"
        "SINGLE='a # b'\n"
        'DOUBLE="x=y" # said beside\n'
        "HASH=a#b\n"
        "EMPTY=\n"
        "ONLY_COMMENT= # nothing\n"
        f"{NAME}=from the file\n"
    )
    env.read_dotenv(tmp_path / ".env")
    assert env.env_str("PLAIN") == "one two"
    assert env.env_str("EXPORTED") == "yes"
    assert env.env_str("SINGLE") == "a # b"
    assert env.env_str("DOUBLE") == "x=y"
    assert env.env_str("HASH") == "a#b"
    assert env.env_str("EMPTY", "none") == env.env_str("ONLY_COMMENT", "none") == "none"
    assert env.env_str(NAME) == "from the file"
    monkeypatch.setenv(NAME, "from outside")
    assert env.env_str(NAME) == "from outside"


def test_a_secret_file_outside_wins_over_a_secret_in_the_dotenv(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text(f"{NAME}=old\n")
    (tmp_path / "secret").write_text("new")
    env.read_dotenv(tmp_path / ".env")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "secret"))
    assert env.env_secret(NAME) == "new"


def test_without_a_dotenv_nothing_happens(tmp_path):
    env.read_dotenv(tmp_path / ".env")
    assert env._dotenv == {}


@pytest.mark.parametrize("line", ["no equals sign", "1A=b", "A='open", 'A="x" y'])
def test_a_line_that_says_nothing_is_refused_by_number_alone(tmp_path, line):
    (tmp_path / ".env").write_text(f"A=1\n{line}\n")
    with pytest.raises(ImproperlyConfigured, match="line 2") as refusal:
        env.read_dotenv(tmp_path / ".env")
    assert line not in str(refusal.value)


def test_a_database_is_sqlite_or_postgresql():
    sqlite = env.database("sqlite:////srv/mediscan/db.sqlite3")
    assert (sqlite["ENGINE"], sqlite["NAME"]) == (
        "django.db.backends.sqlite3", "/srv/mediscan/db.sqlite3"
    )  # fmt: skip
    postgres = env.database("postgres://user:pass@host:5433/mediscan")
    assert postgres["ENGINE"] == "django.db.backends.postgresql"
    assert [postgres[key] for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")] == [
        "user", "pass", "host", 5433, "mediscan"
    ]  # fmt: skip
    socket = env.database("postgres://user@/mediscan?host=/run/postgresql")
    assert socket["OPTIONS"] == {"host": "/run/postgresql"}


@pytest.mark.parametrize(
    "url",
    ["", "garbage", "mysql://u:hush@h/db", "oracle2://u:hush@h", "postgres://u:hush@h/",
     "sqlite://", "postgres://u:hush@h:port/db"],
)  # fmt: skip
def test_another_database_is_refused_without_its_password(url):
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL") as refusal:
        env.database(url)
    assert "hush" not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp://mail.example.org", 25, False, False),
        ("smtp+tls://mail.example.org", 587, True, False),
        ("smtps://mail.example.org", 465, False, True),
        ("smtp+tls://mail.example.org:2525", 2525, True, False),
    ],
)
def test_a_mail_server_is_an_address(url, port, tls, ssl):
    settings = env.email(url, "")
    assert settings["EMAIL_HOST"] == "mail.example.org"
    assert [settings[key] for key in ("EMAIL_PORT", "EMAIL_USE_TLS", "EMAIL_USE_SSL")] == [
        port, tls, ssl
    ]  # fmt: skip


def test_a_mail_password_may_hold_any_character():
    settings = env.email("smtps://me%40example.org:p%3A%2Fss@mail.example.org", "")
    assert settings["EMAIL_HOST_USER"] == "me@example.org"
    assert settings["EMAIL_HOST_PASSWORD"] == "p:/ss"


@pytest.mark.parametrize("url", ["mail.example.org", "http://u:hush@h", "smtp://u:hush@h:x"])
def test_another_mail_server_is_refused_without_its_password(url):
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL") as refusal:
        env.email(url, "")
    assert "hush" not in str(refusal.value)


def test_without_a_server_mail_goes_to_a_folder_or_the_terminal(tmp_path):
    assert env.email("", str(tmp_path)) == {
        "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "EMAIL_FILE_PATH": str(tmp_path),
    }
    assert env.email("", "") == {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    with pytest.raises(ImproperlyConfigured, match="both set"):
        env.email("smtp://h", str(tmp_path))
