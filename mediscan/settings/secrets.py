"""The secrets that a start needs; without them nothing runs."""

from mediscan.env import env_key, env_secret

SECRET_KEY = env_secret("SECRET_KEY")
VAULT_KEK = env_key("VAULT_KEK")
