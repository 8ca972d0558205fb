"""Spawns git, with an environment that neither misleads it nor tells it secrets."""

from __future__ import annotations

import os
import subprocess
from typing import IO, TYPE_CHECKING

from git_model_security import logs
from git_model_security.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

SECRETS = (
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "CIRCLE_OIDC_TOKEN",
    "CIRCLE_OIDC_TOKEN_V2",
    "GIT_MODEL_KEY",
    "GIT_MODEL_KEY_FILE",
    "GIT_MODEL_PKCS11_PIN",
    "GIT_MODEL_SIGNING_KEY_PASSWORD",
    "SIGNING_PRIVATE_KEY",
    "SIGSTORE_ID_TOKEN",
    "SIGSTORE_IDENTITY_TOKEN",
    "SIGSTORE_OIDC_CLIENT_SECRET",
)
"""Environment variables that hold key material, or what proves to Sigstore who signs;
children do not get them. Not Buildkite's `BUILDKITE_AGENT_ACCESS_TOKEN`, although it can
ask for a token: its credential helper, which git runs, needs it to fetch and push."""

NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")
"""For commands whose outcome the caller has judged."""

_OF_FILTERS = ("GIT_MODEL_KEY", "GIT_MODEL_KEY_FILE")

_SECRET_ENDING = "_ID_TOKEN"  # noqa: S105 - a name
"""GitLab names the tokens of a job so, after the audience (`id_tokens:`)."""

LOCAL = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
"""What ties a child to this repository (`git rev-parse --local-env-vars`): a
command on *another* repository must not inherit it."""


def child_environment(
    *,
    local: bool = True,
    filters: bool = False,
    extra: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Returns the environment for a git child.

    Args:
        local: keep the variables in `LOCAL`.
        filters: the command runs our filter, which may need a key from here;
            all other secrets, and all secrets of other commands, are removed.
    """
    dropped = set(SECRETS) - (set(_OF_FILTERS) if filters else set())
    if not local:
        dropped |= set(LOCAL)
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in dropped and not name.endswith(_SECRET_ENDING)
    }
    # Messages are matched nowhere, but shown: keep them in one language. Replace
    # refs would show guards and signatures another object than the one pushed.
    kept |= {"LC_ALL": "C.UTF-8", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_OPTIONAL_LOCKS": "0"}
    return kept | dict(extra or {})


class Piped(subprocess.Popen[bytes]):
    """A git that runs, with pipes on standard input and output."""

    stdin: IO[bytes]
    stdout: IO[bytes]


def spawn(
    arguments: tuple[str | bytes, ...], *, cwd: Path | None, env: Mapping[str, str]
) -> Piped:
    """Starts git with pipes on standard input and output; see `run` for errors."""
    logs.running(("git", *arguments))
    try:
        return Piped(
            ("git", *arguments), cwd=cwd, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
    except FileNotFoundError as error:
        raise _not_started(cwd) from error


def run(
    *arguments: str | bytes,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    accept: tuple[int, ...] = (0,),
    show: bool = False,
    stdout: int = subprocess.PIPE,
) -> bytes:
    """Runs git and returns its standard output.

    Args:
        cwd: where to run it; None is the current directory.
        env: the whole environment; None is `child_environment()`.
        stdin: its standard input; None is empty.
        accept: exit statuses that are not an error.
        show: let git write to our standard error (progress, messages of filters)
            instead of keeping that for the error message.
        stdout: a descriptor that takes its standard output instead.

    Raises:
        GitError: git is missing, or ended with another status.
    """
    logs.running(("git", *arguments))
    try:
        done = subprocess.run(
            ("git", *arguments),
            cwd=cwd,
            env=child_environment() if env is None else env,
            input=stdin if stdin is not None else b"",
            stdout=stdout,
            stderr=None if show else subprocess.PIPE,
            check=False,
        )
    except FileNotFoundError as error:
        raise _not_started(cwd) from error
    if done.returncode not in accept:
        raise GitError(_complaint(arguments, done.returncode, done.stderr or b""))
    return done.stdout or b""


def records(output: bytes) -> list[bytes]:
    """Returns what git ends with a NUL each (`-z`)."""
    return [record for record in output.split(b"\0") if record]


def ended(records: Iterable[bytes]) -> bytes:
    """Returns records as git reads them (`-z --stdin`), with a NUL each."""
    return b"".join(record + b"\0" for record in records)


def lines(names: Iterable[str]) -> bytes:
    """Returns names as git reads them (`--stdin`), one a line."""
    return "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape")


def _not_started(cwd: Path | None) -> GitError:
    if cwd is not None and not cwd.is_dir():
        return GitError(f"{cwd}: no such directory")
    return GitError("git is not on PATH", hint="install git 2.39 or newer")


def _complaint(arguments: tuple[str | bytes, ...], status: int, stderr: bytes) -> str:
    said = stderr.decode("utf-8", "replace").strip()
    words = iter(map(os.fsdecode, arguments))
    command = ""
    for word in words:
        if not word.startswith("-"):
            command = word
            break
        if word in {"-c", "-C"}:
            next(words, None)
    reason = said.removeprefix("fatal: ") or f"ended with status {status}"
    return f"git {command}: {reason}"
