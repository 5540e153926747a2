"""What a test has counted, for the report of the fault run."""

import json
import os
from pathlib import Path
from typing import Any


def record(name: str, count: int, **more: Any) -> None:
    """Append a line of JSON to the file that MS5_FIGURES names, if it names one."""
    path = os.environ.get("MS5_FIGURES")
    if path:
        with Path(path).open("a", encoding="utf-8") as figures:
            figures.write(json.dumps({"name": name, "count": count, **more}) + "\n")
