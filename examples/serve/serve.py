"""Serves predictions of an encrypted model; its plaintext is in memory alone.

    python serve.py --key aes256.bin --public-key signer.pub MODEL [--host HOST] [--port PORT]

MODEL is a directory of ciphertext, or with `--revision HEAD` a clone of your own, of which
nothing need be checked out. Nothing is served, and nothing decrypted is used, unless the
signature holds; the exit status is then that of `git model verify`. `POST /predict` takes
{"inputs": [[x, y], ...]}.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

import git_model_security as gm
from git_model_security.errors import ModelError

LONGEST_REQUEST_BYTES = 1 << 20


class Classifier:
    """What examples/train/train.py trains: `model.safetensors` and `config.json`.

    Raises:
        Error: the signature does not hold, or it is another kind of model.
    """

    def __init__(self, source: str, key: str, **options: Any) -> None:
        # The signature first; each file is found to be what was signed before it is decrypted.
        with gm.load(source, key, **options) as model:
            self.signer = model.signer
            tensors = model.load_tensors("np")
            with model.open("config.json") as file:
                self.labels = json.load(file).get("labels")
        if tensors.keys() != {"weight", "bias"} or not self.labels:
            raise ModelError(f"{source}: no classifier of examples/train", hint="train one")
        self.weight, self.bias = tensors["weight"], tensors["bias"]

    def predict(self, inputs: Any) -> list[str]:
        """Returns a label for each input.

        Raises:
            ValueError: the inputs are no rows of finite numbers, as many as were trained on.
        """
        points = np.asarray(inputs, np.float32)
        wide = self.weight.shape[0]
        if points.ndim != 2 or points.shape[1] != wide or not np.isfinite(points).all():
            raise ValueError(f"inputs: rows of {wide} numbers are needed")
        return [self.labels[best] for best in (points @ self.weight + self.bias).argmax(axis=1)]


class Handler(BaseHTTPRequestHandler):
    """Answers in JSON, errors too."""

    classifier: Classifier
    timeout = 30  # seconds that a silent client keeps a thread

    def do_GET(self) -> None:
        """`/health`: who signed what is served."""
        if self.path != "/health":
            return self.answer(HTTPStatus.NOT_FOUND, {"error": "GET /health, POST /predict"})
        return self.answer(HTTPStatus.OK, {"signer": self.classifier.signer})

    def do_POST(self) -> None:
        """`/predict`."""
        if self.path != "/predict":
            return self.answer(HTTPStatus.NOT_FOUND, {"error": "GET /health, POST /predict"})
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            return self.answer(HTTPStatus.LENGTH_REQUIRED, {"error": "no Content-Length"})
        if len(length) > 9 or int(length) > LONGEST_REQUEST_BYTES:
            limit = f"over {LONGEST_REQUEST_BYTES} bytes"
            return self.answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"error": limit})
        try:
            labels = self.classifier.predict(json.loads(self.rfile.read(int(length)))["inputs"])
        except (ValueError, TypeError, KeyError, RecursionError):
            wanted = {"error": 'send {"inputs": [[x, y], ...]}'}
            return self.answer(HTTPStatus.BAD_REQUEST, wanted)
        return self.answer(HTTPStatus.OK, {"labels": labels})

    def answer(self, status: HTTPStatus, document: dict[str, Any]) -> None:
        """Sends a status and a document."""
        body = json.dumps(document).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def failed(error: Exception, hint: str, status: int) -> int:
    """Says what failed and what to do next; returns the exit status."""
    print(f"serve.py: error: {error}\nserve.py: hint: {hint}", file=sys.stderr)
    return status


def main() -> int:
    """Serves until it is ended, or returns why not: the exit status of a gate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--key", required=True, metavar="FILE", help="the AES-256 key")
    parser.add_argument("--public-key", metavar="FILE", help="whose signature counts")
    parser.add_argument("--revision", help="MODEL is a clone: the commit to serve")
    parser.add_argument("--host", default="127.0.0.1", help="this machine alone, unless said")
    parser.add_argument("--port", type=int, default=8080)
    given = parser.parse_args()
    trust = {"public_key": given.public_key} if given.public_key else {}
    try:
        Handler.classifier = Classifier(
            given.model, given.key, revision=given.revision, **trust
        )
    except gm.Error as error:
        return failed(error, error.hint or "see git model verify", error.gate_status)
    # The first process of a container has no handlers, and would not end when it is told to.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server = ThreadingHTTPServer((given.host, given.port), Handler)
    except (OSError, OverflowError) as error:
        return failed(error, "choose another --host or --port", 1)
    with server:
        print(f"signed by {Handler.classifier.signer}")
        print(f"serving http://{given.host}:{server.server_port}/", flush=True)
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
