"""MS5_LOG_LEVEL is the level of all that is logged, the lines of uvicorn for each socket included."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import logging
import django
django.setup()
print(logging.getLogger("uvicorn.error").getEffectiveLevel(), logging.getLogger("ms5").getEffectiveLevel())
"""


@pytest.mark.parametrize(
    ("level", "of_uvicorn", "of_ours"),
    [("DEBUG", 20, 10), ("INFO", 20, 20), ("WARNING", 30, 30), ("ERROR", 40, 40)],
)
def test_uvicorn_follows_down_to_its_lines_for_each_socket(level, of_uvicorn, of_ours):
    environment = os.environ | {
        "MS5_LOG_LEVEL": level,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert said.stdout.split() == [str(of_uvicorn), str(of_ours)]
