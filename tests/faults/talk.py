"""A conversation with a child: one JSON line asked, one JSON line answered."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Self

from ms5.children.death import dies_with_parent


class Talker:
    """`python -m module ARGUMENTS`, asked from here; ended with the block."""

    def __init__(
        self, module: str, environment: Mapping[str, str], root: Path, *arguments: str
    ) -> None:
        self.module = module
        self._command = [sys.executable, "-m", module, *arguments]
        self._environment = environment
        self._root = root
        self._answers: SimpleQueue[str] = SimpleQueue()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            env=dict(self._environment),
            cwd=self._root,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=dies_with_parent(),  # noqa: PLW1509 - one prctl call
        )
        self._reader = threading.Thread(target=self._read, name=self.module, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)

    def ask(self, question: str, within_s: float = 60.0, **fields: Any) -> Any:
        """Return the answer. Raises TimeoutError, or AssertionError with the child's complaint."""
        self.say(question, **fields)
        return self.hear(within_s)

    def say(self, question: str, **fields: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"ask": question, **fields}) + "\n")
        self._process.stdin.flush()

    def hear(self, within_s: float = 60.0) -> Any:
        try:
            answer = json.loads(self._answers.get(timeout=within_s))
        except Empty:
            state = self._process.poll()
            raise TimeoutError(f"{self.module} does not answer (ended: {state})") from None
        assert "failed" not in answer, f"{self.module}: {answer['failed']}"
        return answer["answer"]


def answer_all(answers: Mapping[str, Callable[..., Any]]) -> None:
    """Be the child: answer questions until nobody asks any more."""
    for line in sys.stdin:
        asked = json.loads(line)
        name = asked.pop("ask")
        try:
            said: dict[str, Any] = {"answer": answers[name](**asked)}
        except Exception as failure:  # noqa: BLE001 - any: who asked is told, and asks on
            said = {"failed": f"{name}: {type(failure).__name__}: {failure}"}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
