#!/usr/bin/env python
"""The door to every command of MediScan."""

import os
import sys


def main() -> None:
    if sys.argv[1:2] == ["create_env_file"]:  # runs before any setting exists
        from mediscan.env_file import main as create_env_file

        sys.exit(create_env_file(sys.argv[2:]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mediscan.settings.chosen")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
