"""Reads .env before any setting is made; the tests' settings leave it out."""

from pathlib import Path

from mediscan.env import read_dotenv

read_dotenv(Path(__file__).resolve().parents[2] / ".env")
