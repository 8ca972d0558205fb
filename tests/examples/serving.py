"""Starts a server of the examples, talks to it, and ends it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.fixtures.processes import WATCHDOG_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.examples.conftest import Scene


@contextlib.contextmanager
def serving(scene: Scene, *argv: str, **env: str) -> Iterator[Server]:
    """Gives a server that has said where it is; it has to end with 0 when it is told to."""
    with subprocess.Popen(
        argv,
        cwd=scene.path,
        env={**os.environ, **scene.env, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            signer, place = process.stdout.readline(), process.stdout.readline()
            if not place:
                raise AssertionError(process.communicate()[1])
            yield Server(signer, place.removeprefix("serving ").strip())
        finally:
            process.terminate()
            said = process.communicate(timeout=WATCHDOG_SECONDS)[1]
        assert process.returncode == 0, said
        assert "Traceback" not in said


class Server:
    """A server that runs: who signed what it serves, and its address."""

    def __init__(self, signer: str, url: str) -> None:
        self.signer = signer
        self.host = urlsplit(url).hostname
        self.port = urlsplit(url).port

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, Any]:
        """Sends a request; returns the status and the document."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=WATCHDOG_SECONDS)
        with contextlib.closing(connection):
            connection.putrequest(method, path)
            if body is not None and "length" not in headers:
                headers["length"] = str(len(body))
            if "length" in headers:
                connection.putheader("Content-Length", headers["length"])
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def predict(self, *inputs: list[float]) -> Any:
        """Returns the labels of inputs."""
        status, said = self.ask("POST", "/predict", json.dumps({"inputs": inputs}).encode())
        assert status == 200, said
        return said["labels"]


POINTS = ([-2.0, 0.0], [2.0, 0.0], [0.0, 3.0])
LABELS = ["left", "right", "above"]
