"""Trains a small classifier, and commits a checkpoint after every round.

    python train.py REPOSITORY [--rounds N]

The repository is one that `git model init` has set up. Nothing here knows of encryption: Git
encrypts at `git add` and signs at `git commit`; the work tree has plaintext. A checkpoint
that is there already is gone on from. Prints the loss of each round; the rest is on standard
error.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

LABELS = ("left", "right", "above")
CENTRES = np.array([[-2, 0], [2, 0], [0, 3]], np.float32)
STEPS = 50
RATE = 0.5


def data(points: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Returns points around the centres, (points, 2), and which centre is whose, (points,)."""
    random = np.random.default_rng(0)
    classes = random.integers(len(LABELS), size=points)
    noise = random.normal(size=(points, CENTRES.shape[1])).astype(np.float32)
    return CENTRES[classes] + noise, classes


def train(weights: dict[str, np.ndarray]) -> float:
    """Takes steps down the gradient of the cross-entropy, in place; returns the loss."""
    points, classes = data()
    for _ in range(STEPS):
        logits = points @ weights["weight"] + weights["bias"]
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        slope = (odds - np.eye(len(LABELS), dtype=np.float32)[classes]) / len(points)
        weights["weight"] -= RATE * points.T @ slope
        weights["bias"] -= RATE * slope.sum(axis=0)
    return float(-np.log(odds[np.arange(len(points)), classes]).mean())


def git(repository: Path, *arguments: str) -> None:
    """Runs git, which says itself what is wrong."""
    subprocess.run(("git", "-C", repository, *arguments), check=True, stdout=sys.stderr)


def main() -> int:
    """Trains, and returns the exit status: that of the first command that failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository", type=Path)
    parser.add_argument("--rounds", type=int, default=3, help="how many checkpoints")
    given = parser.parse_args()
    checkpoint, config = (
        given.repository / "model.safetensors",
        given.repository / "config.json",
    )
    try:
        # Nothing is trained where Git would not encrypt it, nor upon what nobody signed.
        git(given.repository, "model", "status")
        size = (CENTRES.shape[1], len(LABELS))
        weights = {"weight": np.zeros(size, np.float32), "bias": np.zeros(size[1], np.float32)}
        if checkpoint.exists():
            weights = load_file(checkpoint)
        for _ in range(given.rounds):
            loss = train(weights)
            save_file(weights, checkpoint)
            config.write_text(json.dumps({"labels": LABELS, "loss": loss}, indent=2) + "\n")
            git(given.repository, "add", checkpoint.name, config.name)
            git(
                given.repository,
                "commit",
                "--quiet",
                "--message",
                f"Checkpoint, loss {loss:.4f}",
            )
            git(given.repository, "model", "verify", "HEAD")
            print(f"{loss:.4f}")
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
