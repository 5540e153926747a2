"""Settings of the tests: those of the product, with a key of their own and a database that is thrown away."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

os.environ["SECRET_KEY"] = "only-for-tests-vJ2mQ8xkTz5rW1nLc7bYd4hPg9sFu3aE"
os.environ["MS5_ENV_FILE"] = ""  # a developer's .env is not the tests' business
# Nobody listens there: what needs a Redis starts one of its own.
os.environ["REDIS_URL"] = "redis://127.0.0.1:1/0"
_scratch = tempfile.mkdtemp(prefix="ms5-tests-")
_pid = os.getpid()


@atexit.register
def _tidy() -> None:
    if os.getpid() == _pid:
        shutil.rmtree(_scratch, ignore_errors=True)


os.environ.setdefault("MS5_DATA_DIR", _scratch)
os.environ.setdefault("MS5_TEST_SQLITE", str(Path(_scratch) / "test.sqlite3"))
# Simulated controllers listen wherever there is room.
os.environ.setdefault("MS5_PLC_PORTS", "1-65535")

from ms5.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# WhiteNoise warns about a directory that is not there, and a warning fails a test.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405

for _settings in DATABASES.values():  # noqa: F405
    if _settings["ENGINE"].endswith("postgresql"):
        _settings["ENGINE"] = "tests.postgresql"
