"""What every installation shares; secrets and addresses come from the environment."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from whitenoise.compress import Compressor

from mediscan.env import (
    PRODUCTION,
    database,
    email,
    env_bool,
    env_choice,
    env_int,
    env_key,
    env_list,
    env_path,
    env_path_or_none,
    env_secret,
    env_str,
    environment,
    networks,
    settings_read,
    syslog,
)
from mediscan.policy import CONTENT_SECURITY_POLICY  # noqa: F401  a setting of its own

BASE_DIR = Path(__file__).resolve().parents[2]
DATA_DIR = env_path("MEDISCAN_DATA_DIR", BASE_DIR / "var")
MODELS_DIR = env_path("MEDISCAN_MODELS", BASE_DIR / "models")
MODEL_STORE = DATA_DIR / "models"  # versions that were taken in and converted
RESEARCH_NOTICE = "Research use only. Not for diagnostic use"
PUBLIC_BASE_URL = env_str("PUBLIC_BASE_URL", f"http://localhost:{env_int('PORT', 8000)}")
VERSION = "0.1.0"

ENVIRONMENT = "development"  # prod.py: production
SECOND_FACTOR = "admin"  # or "always": for whom the second factor is compulsory
DEBUG = False
KIT = False  # the page of all components; with DEBUG it is there too
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
ROOT_URLCONF = "mediscan.urls"
WSGI_APPLICATION = "mediscan.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
SITE_ID = None

INSTALLED_APPS = [
    "mediscan.apps.MediScanAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_otp",
    "csp",
    "django_htmx",
    "django_q",
    "django_ratelimit",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "mediscan.apps.MediScanConfig",
    "accounts",
    "imaging",
    "analytics",
    "reports",
]
MIDDLEWARE = [
    "mediscan.middleware.RequestId",
    "accounts.even_time.EvenTime",
    "mediscan.middleware.SiteHeaders",
    "mediscan.middleware.ApiOverHttps",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "mediscan.middleware.PrivateAnswers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "mediscan.language.Language",
    "django.middleware.common.CommonMiddleware",
    "mediscan.middleware.BodyLimit",
    "mediscan.middleware.NoNul",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "mediscan.language.OwnLanguage",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "accounts.audit.middleware.Facts",
    "accounts.session_rules.SessionRules",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "mediscan.middleware.LoginRequired",
    "mediscan.middleware.PasswordMustChange",
    "accounts.gate.SecondFactorGate",
    "mediscan.middleware.SentTwice",
    "mediscan.middleware.NotAllowed",
    "mediscan.middleware.TooMany",
    "accounts.wrong_forms.WrongForms",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "mediscan.context.site",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "mediscan.templatetags.ui",
            ],
        },
    }
]

# --- data
DATABASES = {"default": database(env_str("DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}"))}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # FULL: with NORMAL a power cut takes the last commits
        # each thread of the web server has a connection, and each its cache: half of the usual 2 MB
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-999;",
    }
else:
    DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
VAULT_KEK_ALSO, VAULT_KMS, VAULT_KMS_COMMAND, VAULT_KMS_FILE = b"", "", "", ""  # secrets.py
ALLOW_SQLITE = env_bool("ALLOW_SQLITE", default=False)  # in production, for one machine
CACHE_URL = env_str("CACHE_URL", "")
CACHES = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": CACHE_URL}
        if CACHE_URL
        else {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "cache",
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        }
    )
}
SILENCED_SYSTEM_CHECKS = [
    # e-mail is unique by a constraint without regard to case: user_email_once, accounts/models.py
    "auth.W004",
    # it knows Redis by another package's backend than Django's own, and no database's cache
    "django_ratelimit.W001",
    # a database's cache counts what two do at once as one: the limits of uploads, runs
    # and exports are approximate; the counters of sign-ins are rows of their own
    *([] if CACHE_URL else ["django_ratelimit.E003"]),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},  # files live in the vault
    "staticfiles": {"BACKEND": "mediscan.static.Static"},
}
# only asked for by who looks for a fault in a script; packing them took half a minute of a start
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = (*Compressor.SKIP_COMPRESS_EXTENSIONS, "map")
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
FILE_UPLOAD_HANDLERS = ["accounts.vault.spool.SealedUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 2**20
DATA_UPLOAD_MAX_NUMBER_FILES = 2_000  # a series of loose slices; more come as a ZIP
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000
UPLOAD_MAX_BYTES = env_int("UPLOAD_MAX_BYTES", 2 * 2**30)  # one request
UPLOAD_MAX_FILE_BYTES = env_int("UPLOAD_MAX_FILE_BYTES", 512 * 2**20)
UPLOAD_OPEN_BYTES = env_int("UPLOAD_OPEN_BYTES", 8 * 2**30)  # of one person, begun and not done
UPLOAD_MAX_MODEL_BYTES = env_int("UPLOAD_MAX_MODEL_BYTES", 2 * 2**30)

# --- people
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "analytics:dashboard"
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_FORMS = {
    "login": "accounts.forms.LoginForm",
    "signup": "accounts.forms.SignupForm",
    "add_email": "accounts.forms.AddEmailForm",
    "change_email": "accounts.forms.ChangeEmailForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms_factors.ResetPassword",
    "reauthenticate": "accounts.forms_factors.StepUp",
    "confirm_email_verification_code": "accounts.forms.EmailCodeForm",
    "confirm_password_reset_code": "accounts.forms.ResetCodeForm",
}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT = 600
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_CHANGE = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 600
ACCOUNT_PASSWORD_RESET_BY_CODE_MAX_ATTEMPTS = 5
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_RATE_LIMITS = {
    # counted in rows by accounts/throttle: a limit per e-mail in the cache would let a stranger
    # lock the owner out, on the owner's own device too
    "login_failed": None,
    "login": "120/m/ip",  # a ward behind one address begins its shift
    "reset_password": "20/m/ip",
}
RATELIMIT_IP_META_KEY = "accounts.throttle.client_ip"
MFA_ADAPTER = "accounts.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = False
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
# the address of a login is verified already; a second one that is not must not stop enrolment
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_FORMS = {
    "authenticate": "accounts.forms_factors.Authenticate",
    "reauthenticate": "accounts.forms_factors.Reauthenticate",
    "activate_totp": "accounts.forms_factors.ActivateTOTP",
    "authenticate_webauthn": "accounts.forms_factors.AuthenticateKey",
    "reauthenticate_webauthn": "accounts.forms_factors.ReauthenticateKey",
    "add_webauthn": "accounts.forms_factors.AddSecurityKey",
    "edit_webauthn": "accounts.forms_factors.EditSecurityKey",
}
ALLAUTH_TRUSTED_PROXY_COUNT = env_int("TRUSTED_PROXIES", 0)
PASSWORD_HASHERS = ["accounts.hashers.Argon2"]
AUTH_PASSWORD_VALIDATORS = [{"NAME": "accounts.passwords.validators.HardToGuess"}]
# an operator's own list of stolen passwords, if there is one: Pwned Passwords, ordered by hash
PASSWORD_BREACHED_FILE = env_path_or_none("PASSWORD_BREACHED_FILE")
EVEN_TIME_S = 0.5  # what a sign-up takes, or a multiple: whether the address is known or not
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_SERIALIZER = "accounts.vault.sessions.SealedJSON"
SESSION_COOKIE_AGE = 12 * 3600  # from the login on, whatever happens
SESSION_IDLE_S = 60 * env_int("SESSION_IDLE_MINUTES", 30)  # 15 on shared stations
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
globals().update(email(env_secret("EMAIL_URL", ""), env_str("EMAIL_FILE_DIR", "")))
DEFAULT_FROM_EMAIL = env_str(
    "DEFAULT_FROM_EMAIL", f"MediScan <noreply@{urlsplit(PUBLIC_BASE_URL).hostname or 'localhost'}>"
)

# --- programs
# how many calls of the API may wait for work at a time in one process (?wait=): a quarter of
# the threads, so that waiting never stops the pages
API_WAITERS = max(1, env_int("WEB_THREADS", 8) // 4)
# of DICOMweb: how long a call stays for work of the worker, and how much one call may ask for
DICOMWEB_WAIT_S = env_int("DICOMWEB_WAIT_S", 25)
DICOMWEB_MAX_FRAMES = env_int("DICOMWEB_MAX_FRAMES", 500)
# PatientID and AccessionNumber then stand in addresses, which others may log
DICOMWEB_SEARCH_IDENTITY = env_bool("DICOMWEB_SEARCH_IDENTITY", False)
# of MONAI Label clients: the life of an address and of a file that was sent for analysis alone,
# and how long a call stays for the worker
LABEL_TOKEN_MINUTES = env_int("LABEL_TOKEN_MINUTES", 60)
LABEL_SESSION_MINUTES = env_int("LABEL_SESSION_MINUTES", 60)
LABEL_WAIT_S = env_int("LABEL_WAIT_S", 25)
REST_FRAMEWORK = {
    # the token class stands first: its header makes a refusal 401 instead of 403
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.TokenAuthentication",
        "accounts.api.authentication.ApiKeyAuthentication",
        "accounts.api.authentication.PageSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.permissions.Nobody"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.api.parsers.Json"],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.throttle.programs.PerAccount"],
    "DEFAULT_THROTTLE_RATES": {  # by account, the anonymous by address
        "read": "600/min",
        "write": "120/min",
        "upload": "60/min",
        "dicomweb": "6000/min",  # a viewer asks for each slice by itself
        "label": "600/min",
        "piece": "1200/min",
        "run": "30/min",
        "export": "10/min",
        "register": "10/min",
    },
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "accounts.api.problems.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
# messages to other systems: networks that are not public and may be sent to, and the authority
# of their certificates beside the system's own
WEBHOOK_NETWORKS = networks("WEBHOOK_NETWORKS", env_list("WEBHOOK_NETWORKS", []))
WEBHOOK_CA_FILE = env_path_or_none("WEBHOOK_CA_FILE")
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=5),
    "REFRESH_TOKEN_LIFETIME": timedelta(hours=24),
    "USER_ID_CLAIM": "sub",
    "SIGNING_KEY": None,  # the vault's keys sign; without this the default is SECRET_KEY
}
SPECTACULAR_SETTINGS = {
    "ENUM_NAME_OVERRIDES": {
        "WorkStatusEnum": "reports.models.ExportStatus",  # that of a job is the same
        "FileStatusEnum": "imaging.models.ItemStatus",
        "RejectReasonEnum": "imaging.models.RejectReason",
        "DeletionReasonEnum": "imaging.models.deletions.DeletionReason",
        "DeliveryStateEnum": "accounts.models.DeliveryState",
        "KeyStateEnum": "accounts.api.keys.STATES",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "mediscan.examples.shown",
    ],
    "OAS_VERSION": "3.1.0",
    "COMPONENT_SPLIT_REQUEST": True,  # a file goes in as bytes
    "TITLE": "MediScan",
    "DESCRIPTION": f"{RESEARCH_NOTICE}.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/(?:v1/)?",
}

# --- the browser
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # sealed, no cookie
CSRF_FAILURE_VIEW = "mediscan.views.csrf_failure"

# --- the doorbell; the Job table is the truth (docs/adr/0002)
Q_CLUSTER = {
    "name": "mediscan",
    "cluster_name": "cpu",
    "orm": "default",
    "workers": env_int("WORKERS", 1),
    "timeout": 900,
    "retry": 3600,
    "queue_limit": 1,
    "bulk": 1,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,
    "scheduler": False,
    "catch_up": False,
    "poll": 0.2,
    "recycle": 5000,
    "guard_cycle": 1,
    "log_level": "WARNING",
    # a machine with a GPU: Q_CLUSTER_NAME=gpu python manage.py worker, beside or instead of "cpu"
    "ALT_CLUSTERS": {"gpu": {"workers": env_int("GPU_WORKERS", 1)}},
}
ENGINE_CALL_TIMEOUT_S = 600  # below the queue's own timeout
LEASE_S = env_int("LEASE_S", 60)  # without a sign for this long, a worker is taken for dead
DOORBELLS_PER_USER = 2 * Q_CLUSTER["workers"]  # the other jobs of a user wait as rows
LEASED_MODELS = ["imaging.Job", "imaging.Upload", "imaging.ModelUpload", "reports.Export"]
RECOVERIES = [
    "imaging.services.jobs.jobs_recover",
    "imaging.services.uploads.uploads_recover",
    "imaging.services.orders.orders_recover",
    "imaging.services.rule_matches.rules_recover",
    "imaging.services.instances.instances_recover",
    "imaging.services.parcels.uploads_expire",
    "imaging.registry.uploads.model_uploads_recover",
    "imaging.services.label_sessions.label_sessions_expire",
    "accounts.services.label_tokens.label_tokens_forget",
    "imaging.services.painting.reviews_recover",
    "reports.services.exports_recover",
    "reports.objects.objects_recover",
    "reports.letterhead.life.letterheads_recover",
    "imaging.services.glass.glasses_tend",
    "imaging.services.purging.studies_purge",
    "accounts.services.locks.locks_tell",
    "accounts.services.locks.attempts_sweep",
    "accounts.services.outbox.deliveries_purge",
    "accounts.services.kept_answers.answers_forget",
]
ERASURE_LEDGER = env_str("ERASURE_LEDGER", "")  # a file; default: in the data folder
KEY_ADVISED_DAYS = env_int("KEY_ADVISED_DAYS", 365)  # then the auditor reads that a new one is due
STUDY_KEPT_DAYS = env_int("STUDY_KEPT_DAYS", 30)  # a deleted study, until it goes for good
ERASURE_ROOTS = ["reports.services.exports_holding"]
STARTER_MODELS = [
    "xray-lungs-unet",
    "xray-lungs-segresnet",
    "xray-lungs-resunet",
    "mri-hippocampus-unet",
    "mri-hippocampus-halfgrid",
    "mri-brain-tumour-halfgrid",
    "mri-brain-tumour-deep",
    "mri-brain-tumour-lite",
    "mri-brain-tumour-centres",
    "xray-tuberculosis-lungs",
    "xray-tuberculosis-resnet",
    "xray-tuberculosis-lite",
    "ct-lungs-halfgrid",
]
ALLOW_ENGINE_NETWORK = env_bool("ALLOW_ENGINE_NETWORK", default=False)
WEB_WORKERS = env_int("WEB_WORKERS", 1)
ENGINE_MEMORY_CAP_MB = env_int("ENGINE_MEMORY_CAP_MB", 2_000)

# --- the trail
# signs the checkpoints; without it a key of the vault does
AUDIT_SIGNING_KEY = env_key("AUDIT_SIGNING_KEY") if env_secret("AUDIT_SIGNING_KEY", "") else None
AUDIT_PUBLIC_KEYS = env_list("AUDIT_PUBLIC_KEYS", [])  # PEM files, believed beside our own
AUDIT_CHECKPOINTS = env_path("AUDIT_CHECKPOINTS", DATA_DIR / "audit-checkpoints.jsonl")
AUDIT_SYSLOG = syslog(env_str("AUDIT_SYSLOG", ""))
SETTINGS_READ = settings_read  # asked at each start, when every file of settings was read
EACH_SECOND = [  # by the worker's supervisor
    "accounts.services.clock.clock_watch",
    "accounts.services.sealing.trail_seal",
]
EACH_HOUR = [  # commands, each in a process of its own
    ["verify_audit", "--quiet"],
    ["backup", "late"],
]
WHEN_DUE = {  # a question, asked every second: the command that is to run while it says yes
    "accounts.services.outbox.is_due": ["send_webhooks", "--linger", "60", "--verbosity", "0"],
}
BACKUP_RECIPIENT = env_str("BACKUP_RECIPIENT", "")  # a public key in PEM, of manage.py backup keys
BACKUP_WITHIN_HOURS = env_int("BACKUP_WITHIN_HOURS", 26 if environment() == PRODUCTION else 0)

# --- words and time
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]  # each in its own words
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "mediscan.formats"  # how dates are written
LANGUAGE_COOKIE_NAME = "language"  # of whoever has not signed in
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = env_str("TIME_ZONE", "UTC")
USE_I18N = True
USE_TZ = True

# one JSON object a line for machines, a readable line for a person at their own machine
LOG_FORMAT = env_choice(
    "LOG_FORMAT", ("json", "line"), "json" if environment() == PRODUCTION else "line"
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "mediscan.logs.RequestIdFilter"}},
    "formatters": {
        "json": {"()": "mediscan.logs.JsonLine"},
        "line": {
            "()": "mediscan.logs.PlainLine",
            "format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s",
        },
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["request_id"],
        }
    },
    "root": {"handlers": ["console"], "level": env_str("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "django-q": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        # every request is a line for machines; a person at a terminal is spared it
        "mediscan.access": {"level": "INFO" if LOG_FORMAT == "json" else "WARNING"},
    },
}
