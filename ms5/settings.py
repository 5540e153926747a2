"""Django settings, read from the environment; `.env.example` names every variable."""

import os
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

# FileAwareEnv: a secret may come from NAME or, as Docker mounts them, from a file named by NAME_FILE.
env = environ.FileAwareEnv()
_env_file = env.str("MS5_ENV_FILE", default=str(BASE_DIR / ".env"))
if _env_file and Path(_env_file).is_file():
    env.read_env(_env_file)

DATA_DIR = Path(env.str("MS5_DATA_DIR", default=str(BASE_DIR / "var")))
DEBUG = env.bool("DEBUG", default=False)
HOST = env.str("MS5_HOST", default="127.0.0.1")
PORT = env.int("MS5_PORT", default=8000)

SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. Set it (or SECRET_KEY_FILE) to a long random string;"
        " `make demo` and `make test` make one of their own."
    )
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
# Exact origins (scheme, host, port) whose pages may open a socket with a session cookie.
ALLOWED_ORIGINS = env.list(
    "MS5_ALLOWED_ORIGINS", default=[f"http://localhost:{PORT}", f"http://127.0.0.1:{PORT}"]
)
CSRF_TRUSTED_ORIGINS = [origin for origin in ALLOWED_ORIGINS if "://" in origin]

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "daphne",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "channels",
    "ms5.events",
    "ms5.accounts",
    "ms5.processes",
    "production",
    "andon",
    "telemetry",
    "realtime",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "ms5.static.WholeFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "ms5.security.ContentSecurityPolicy",
    "ms5.security.OutOfRange",
]

ROOT_URLCONF = "ms5.urls"
ASGI_APPLICATION = "ms5.asgi.application"
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
            ]
        },
    }
]

# Databases: SQLite embedded, PostgreSQL by DATABASE_URL. `snapshot` is the same database, read in one
# consistent transaction that takes no write lock (ms5.database.reading).
_database: dict[str, Any] = env.db_url(
    "DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'ms5.sqlite3'}"
)
_snapshot: dict[str, Any] = {**_database, "TEST": {"MIRROR": "default"}}
match _database["ENGINE"]:
    case "django.db.backends.sqlite3":
        _sqlite = {
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
        # Django's own default (BEGIN, then upgrade) fails with "database is locked" under concurrent writers.
        _database["OPTIONS"] = {**_sqlite, "transaction_mode": "IMMEDIATE"}
        _snapshot["OPTIONS"] = {**_sqlite, "transaction_mode": "DEFERRED"}
        # A worker would open the file anew for every task.
        _database["CONN_MAX_AGE"] = _snapshot["CONN_MAX_AGE"] = 600
        _database["TEST"] = {"NAME": env.str("MS5_TEST_SQLITE", default=None)}
    case "django.db.backends.postgresql":
        from psycopg import IsolationLevel

        _database["CONN_MAX_AGE"] = _snapshot["CONN_MAX_AGE"] = 600
        _database["CONN_HEALTH_CHECKS"] = _snapshot["CONN_HEALTH_CHECKS"] = True
        # A server that is reached no more is noticed within ten seconds or twenty, not after the hours that
        # TCP would wait. What DATABASE_URL says itself counts more.
        _database["OPTIONS"] = {
            "connect_timeout": 5,
            "tcp_user_timeout": 10_000,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 2,
            # Workers prepare their statements besides (ms5.celery).
            "server_side_binding": True,
            **_database.get("OPTIONS", {}),
        }
        _snapshot["OPTIONS"] = {
            **_database["OPTIONS"],
            "isolation_level": IsolationLevel.REPEATABLE_READ,
        }
    case other:
        raise ImproperlyConfigured(
            f"DATABASE_URL names {other}; MS5 runs on SQLite and PostgreSQL."
        )
DATABASES = {"default": _database, "snapshot": _snapshot}
DATABASE_ROUTERS = ["ms5.database.SnapshotRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
CHANNEL_LAYERS = {
    "default": {
        # The core layer drops silently above 100 waiting messages and forgets members after a day.
        "BACKEND": "realtime.layer.Layer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": env.str("MS5_REDIS_PREFIX", default="ms5")},
    }
}

# Celery (schedule in ms5/celery.py). It accelerates; no fact lives only in a message.
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 120,
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
    "global_keyprefix": env.str("MS5_REDIS_PREFIX", default="ms5") + ":celery:",
}
CELERY_TIMEZONE = "UTC"
POLL_SHARDS = env.int("MS5_POLL_SHARDS", default=1)
POLL_THREADS = env.int("MS5_POLL_THREADS", default=16)
# Where controllers may be; looked at when one is saved and whenever it is connected (telemetry.reach).
PLC_NETWORKS = env.list(
    "MS5_PLC_NETWORKS",
    default=[
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    ],
)
PLC_PORTS = env.list("MS5_PLC_PORTS", default=["44818", "502"])

# What the sockets promise; announced to each client (realtime.limits).
EVENT_RETENTION_DAYS = env.int("MS5_EVENT_RETENTION_DAYS", default=14)
EVENT_RETENTION_COUNT = env.int("MS5_EVENT_RETENTION_COUNT", default=10_000)
SAMPLE_RETENTION_DAYS = env.int("MS5_SAMPLE_RETENTION_DAYS", default=30)
MINUTE_RETENTION_DAYS = env.int("MS5_MINUTE_RETENTION_DAYS", default=400)

# Whether /metrics answers anyone on this machine; else it takes a token of who may see operations.
METRICS_OPEN = env.bool("MS5_METRICS_OPEN", default=False)

# MS5_LIMIT_BURST=80 replaces `burst` of realtime.limits.Limits, and so on for each of its numbers.
SOCKET_LIMITS = {
    name.removeprefix("MS5_LIMIT_").lower(): value
    for name, value in os.environ.items()
    if name.startswith("MS5_LIMIT_")
}
# How many proxies of ours a request passes: so many entries of X-Forwarded-For, from the right, are believed.
TRUSTED_PROXIES = env.int("MS5_TRUSTED_PROXIES", default=0)

# Notifications. Without a mail server every e-mail is refused at once, and seen to be.
EMAIL_HOST = env.str("EMAIL_HOST", default="")
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_USE_SSL = env.bool("EMAIL_USE_SSL", default=False)
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=10)
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("MS5_MAIL_FROM", default="MS5 <ms5@localhost>")
# Hosts and networks that webhooks and self-hosted chats may be called at; nothing inward otherwise.
WEBHOOK_ALLOWED = env.list("MS5_WEBHOOK_ALLOWED", default=[])
# Under which address people reach MS5: links in messages begin with it.
PUBLIC_URL = env.str("MS5_PUBLIC_URL", default=(CSRF_TRUSTED_ORIGINS or [""])[0])

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["ms5.accounts.backends.RoleBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
# Behind TLS both must be on; the check in ms5.checks says so when the host is not the loopback.
HTTPS = env.bool("MS5_HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "ms5.accounts.tokens.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["ms5.accounts.permissions.MayView"],
    "DEFAULT_PAGINATION_CLASS": "ms5.api.Pages",
    "PAGE_SIZE": 100,
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "rest_framework.filters.OrderingFilter",
        "rest_framework.filters.SearchFilter",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PARSER_CLASSES": [
        "ms5.parsers.TextJSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "ms5.api.problem",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "MS5",
    "DESCRIPTION": "Lines, equipment, states, counts and controllers of the plant.",
    "VERSION": "v1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "ms5.api.problems_told",
    ],
    "ENUM_NAME_OVERRIDES": {
        "CountKindEnum": "production.choices.CountKind.choices",
        "MessageKindEnum": "production.choices.MessageKind.choices",
        "MessageSourceEnum": "production.choices.Source.choices",
        "CheckKindEnum": "production.choices.CheckKind.choices",
        "StepKindEnum": "production.choices.StepKind.choices",
        "ExceptionKindEnum": "production.choices.ExceptionKind.choices",
        "SeverityEnum": "production.choices.Severity.choices",
        "DefectSeverityEnum": "production.choices.DefectSeverity.choices",
        "AlertSeverityEnum": "production.choices.AlertSeverity.choices",
        "DowntimeCategoryEnum": "production.choices.Category.choices",
        "AndonCategoryEnum": "production.choices.AndonCategory.choices",
        "StateEnum": "production.choices.State.choices",
        "RoleEnum": "ms5.accounts.roles.Role.choices",
        "CallStatusEnum": "andon.choices.CallStatus.choices",
        "ScheduleKindEnum": "andon.choices.StepKind.choices",
        "ScheduleStateEnum": "andon.choices.StepState.choices",
    },
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": None,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# The admin's theme. It brings its fonts and scripts with it: no page asks another host for anything.
UNFOLD = {
    "SITE_TITLE": "MS5",
    "SITE_HEADER": "MS5",
    "SITE_SUBHEADER": "Plant and records",
    "SITE_SYMBOL": "factory",
    "SITE_URL": "/",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": "ms5.admin_navigation.favicon"}
    ],
    "LOGIN": {"form": "ms5.accounts.forms.AdminSignInForm"},
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"show_search": True, "navigation": "ms5.admin_navigation.sidebar"},
}

SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS for subdomains and W021, preload: for whoever owns the domain to decide
    "security.W021",
    "security.W008",  # plain HTTP is turned away by the proxy that ends TLS
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
FORMAT_MODULE_PATH = ["ms5.formats"]

STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("MS5_STATIC_ROOT", default=str(DATA_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "ms5.static.ModuleAwareStorage"},
}

LOG_LEVEL = env.str("MS5_LOG_LEVEL", default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "ms5.logs.JsonFormatter"},
        "text": {"()": "ms5.logs.TextFormatter"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": env.str("MS5_LOG_FORMAT", default="json"),
        }
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "pycomm3": {"level": "CRITICAL"},  # its errors reach people as readings and links
        "pymodbus": {"level": "CRITICAL"},
        # A traceback a second while Redis is away; realtime.membership says once that it is.
        "channels_redis.pubsub": {"level": "CRITICAL"},
        "django.security.DisallowedHost": {
            "handlers": [],
            "propagate": False,
        },  # answered with 400
        "django.request": {"level": "ERROR"},
        # At DEBUG it writes every frame; at INFO two lines for every socket, for whoever wants them.
        "uvicorn.error": {"level": "INFO" if LOG_LEVEL == "DEBUG" else LOG_LEVEL},
        "celery.app.trace": {
            "level": "WARNING"
        },  # a line per task every second hides what matters
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}
