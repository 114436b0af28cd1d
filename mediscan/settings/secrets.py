"""The secrets that a start needs; what is missing is said at once, and nothing runs."""

from django.core.exceptions import ImproperlyConfigured

from mediscan.env import env_key, env_secret, env_str

VAULT_KMS = env_str("VAULT_KMS", "")
VAULT_KMS_COMMAND = env_str("VAULT_KMS_COMMAND", "")
VAULT_KMS_FILE = env_str("VAULT_KMS_FILE", "")
_problems = []
SECRET_KEY, VAULT_KEK, VAULT_KEK_ALSO = "", b"", b""
try:
    SECRET_KEY = env_secret("SECRET_KEY")
except ImproperlyConfigured as error:
    _problems.append(str(error))
try:
    if env_secret("VAULT_KEK", "") or not VAULT_KMS:
        VAULT_KEK = env_key("VAULT_KEK")
    if env_secret("VAULT_KEK_ALSO", ""):
        VAULT_KEK_ALSO = env_key("VAULT_KEK_ALSO")
except ImproperlyConfigured as error:
    _problems.append(str(error))
if _problems:
    raise ImproperlyConfigured("\n".join(_problems))
