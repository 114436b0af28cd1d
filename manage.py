#!/usr/bin/env python
"""The door to every command of MediScan."""

import os
import sys

WITHOUT_DATABASE = {"analyze", "validate", "inspect"}


def main() -> None:
    if sys.argv[1:2] == ["create_env_file"]:  # runs before any setting exists
        from mediscan.env_file import main as create_env_file

        sys.exit(create_env_file(sys.argv[2:]))
    chosen = "terminal" if sys.argv[1:2] and sys.argv[1] in WITHOUT_DATABASE else "chosen"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"mediscan.settings.{chosen}")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
