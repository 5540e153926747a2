"""A short script through simulator, protocols, polls and processors, all of them processes: as its key says."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_the_short_script_agrees_with_its_answer_key_and_leaves_no_process_behind():
    done = subprocess.run(
        [sys.executable, "-m", "ms5.demo.verify", "--script", "glimpse"],
        cwd=ROOT,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    assert "All 24 agree with the answer key." in done.stdout
    assert len(re.findall(r"^verify +ok ", done.stdout, re.MULTILINE)) == 24
    assert "Stopped: all 5 processes have ended." in done.stdout
