"""What Git starts warm does, and ends, as a process of its own would."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.fixtures import warm
from tests.fixtures.processes import MODEL, execute

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.repositories import Repository

    Words = tuple[str, ...]


@pytest.fixture(params=[warm.compiled, warm.scripted])
def warm_model(
    warm_python: Path | None, tmp_path: Path, request: pytest.FixtureRequest
) -> Words:
    """Starts git-model by a fork, with either client."""
    client = tmp_path / "python"
    if warm_python is None or not request.param(client, warm_python.with_name("socket")):
        pytest.skip("no such warm starts here")
    return (str(client), *MODEL[1:])


@pytest.mark.parametrize(
    "words", [(), ("hook",), ("hook", "none"), ("status",), ("--version",)]
)
def test_status_and_output_are_the_same(
    repo: Repository, warm_model: Words, words: Words
) -> None:
    one, other = (
        execute(*program, *words, cwd=repo.path, check=False) for program in (warm_model, MODEL)
    )
    assert (one.returncode, one.stdout, one.stderr) == (
        other.returncode,
        other.stdout,
        other.stderr,
    )


def test_it_ends_with_whoever_started_it(repo: Repository, warm_model: Words) -> None:
    process = subprocess.Popen(
        (*warm_model, "filter-process"),
        cwd=repo.path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"0016git-filter-client\n0000")
    process.stdin.flush()
    process.send_signal(signal.SIGKILL)
    process.wait()
    # The write end is the fork's alone now: it is closed when the fork has ended.
    while process.stdout.read(1):
        pass
    process.stdin.close()
    process.stdout.close()


def test_other_arguments_start_the_interpreter(warm_python: Path | None) -> None:
    if warm_python is None:
        pytest.skip("no warm starts here")
    assert execute(warm_python, "-c", "print(1)").stdout == "1\n"
