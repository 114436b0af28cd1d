"""manage.py create_env_file: fresh secrets, private, never over another file in silence."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mediscan import env
from mediscan.env_file import main, render

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = render(environment="development", secret_key="", vault_kek="")
READERS = {"env_str", "env_bool", "env_int", "env_list", "env_path", "env_secret", "env_key",
           "env_choice", "env_path_or_none"}  # fmt: skip


@pytest.fixture
def read(monkeypatch):
    """Read a .env as the settings do, with no other environment."""

    def reader(path: Path) -> dict[str, str]:
        monkeypatch.setattr(env, "_dotenv", {})
        for name in ("SECRET_KEY", "VAULT_KEK"):
            monkeypatch.delenv(name, raising=False)
        env.read_dotenv(path)
        return dict(env._dotenv)

    return reader


def test_the_file_is_private_and_good_to_start_with(tmp_path, read, capsys):
    assert main(["--output", str(tmp_path / ".env")]) == 0
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    read(tmp_path / ".env")
    assert len(env.env_secret("SECRET_KEY")) >= 64
    assert len(env.env_key("VAULT_KEK")) == 32
    assert env.env_bool("DEBUG") is False
    said = capsys.readouterr().out
    assert env.env_secret("SECRET_KEY") not in said
    assert "was written" in said


def test_no_two_files_are_alike(tmp_path, read):
    values = []
    for name in ("a", "b"):
        main(["--output", str(tmp_path / name)])
        values.append(read(tmp_path / name))
    assert values[0]["SECRET_KEY"] != values[1]["SECRET_KEY"]
    assert values[0]["VAULT_KEK"] != values[1]["VAULT_KEK"]


def test_an_existing_file_is_left_alone(tmp_path, capsys):
    (tmp_path / ".env").write_text("VAULT_KEK=precious\n")
    assert main(["--output", str(tmp_path / ".env")]) == 1
    assert (tmp_path / ".env").read_text() == "VAULT_KEK=precious\n"
    error = capsys.readouterr().err
    assert "exists already and was left as it is" in error
    assert "precious" not in error


def test_a_dangling_link_is_not_followed(tmp_path):
    (tmp_path / ".env").symlink_to(tmp_path / "elsewhere")
    assert main(["--output", str(tmp_path / ".env")]) == 1
    assert not (tmp_path / "elsewhere").exists()


def test_force_keeps_the_old_file_beside_the_new(tmp_path, read):
    (tmp_path / ".env").write_text("VAULT_KEK=precious\n")
    assert main(["--output", str(tmp_path / ".env"), "--force"]) == 0
    assert (tmp_path / ".env.old").read_text() == "VAULT_KEK=precious\n"
    assert read(tmp_path / ".env")["VAULT_KEK"] != "precious"


def test_force_without_a_file_simply_writes_one(tmp_path):
    assert main(["--output", str(tmp_path / ".env"), "--force"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


def test_force_never_replaces_an_older_copy(tmp_path, capsys):
    (tmp_path / ".env").write_text("second\n")
    (tmp_path / ".env.old").write_text("first\n")
    assert main(["--output", str(tmp_path / ".env"), "--force"]) == 1
    assert (tmp_path / ".env").read_text() == "second\n"
    assert (tmp_path / ".env.old").read_text() == "first\n"
    assert "Move it to a safe place first" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path, capsys):
    assert main(["--output", str(tmp_path / "none" / ".env")]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "cannot be written: No such file or directory" in error


def test_it_runs_as_a_command_before_any_setting_exists(tmp_path):
    """With an empty environment and the standard library alone."""
    done = subprocess.run(
        [sys.executable, "-S", str(ROOT / "manage.py"), "create_env_file",
         "--output", str(tmp_path / ".env")],
        env={}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / ".env").exists()


def test_the_example_is_the_same_file_without_its_secrets():
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == EXAMPLE


@pytest.mark.parametrize(
    ("options", "environment"), [([], "development"), (["--production"], "production")]
)
def test_the_file_says_for_which_environment_it_is(tmp_path, read, options, environment):
    main(["--output", str(tmp_path / ".env"), *options])
    read(tmp_path / ".env")
    assert env.environment() == environment


def test_the_variables_that_are_read_are_those_that_are_documented():
    documented = set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.M))
    assert _names_read() == documented


def _names_read() -> set[str]:
    """Return the literal names that any room asks env.py for."""
    names = set()
    for room in ("mediscan", "accounts", "imaging", "analytics", "reports"):
        for path in (ROOT / room).glob("**/*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in READERS:
                    names |= {arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)}
    return names
