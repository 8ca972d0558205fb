"""What a migration remembers, so that one that was killed goes on.

Under `<common>/git-model/migrate/`:

    plan.json       what was decided: policy, keys, backup
    sealed          blobs that are sealed already, a line `OLD NEW` each
    marks           what git fast-import made, as it writes it
    moving.json     written before the refs move: what moves, and the record
    record-N.json   what a finished migration left behind, for `--purge`

Each file is complete or not there, but `sealed`, which grows.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from git_model_security import files
from git_model_security.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from git_model_security.git.repository import Repository

DIRECTORY = "migrate"
PLAN = "plan.json"
MOVING = "moving.json"
_RECORD = "record-*.json"


class Journal:
    """The directory of a migration."""

    def __init__(self, repo: Repository) -> None:
        self.directory = repo.state_dir / DIRECTORY
        self._repo = repo

    def path(self, name: str) -> Path:
        """Returns the path of a file, in a directory that is there."""
        self._repo.state_directory(DIRECTORY)
        return self.directory / name

    def get(self, name: str) -> dict[str, Any] | None:
        """Reads a file; None when it is not there.

        Raises:
            GitError: it is damaged.
        """
        path = self.directory / name
        try:
            found = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise GitError(
                f"{path}: is damaged", hint="remove it, then migrate again from the beginning"
            ) from error
        return dict(found)

    def initial(self) -> dict[str, Any]:
        """Returns what was decided for a clone that was not set up; nothing for another."""
        plan = self.get(PLAN) or {}
        return plan if plan.get("is_new") else {}

    def put(self, name: str, content: dict[str, Any]) -> None:
        """Writes a file as a whole; it is on the disk when this returns."""
        files.replace(self.path(name), json.dumps(content).encode(), sync=True)

    def drop(self, *names: str) -> None:
        """Removes files, which need not be there."""
        for name in names:
            (self.directory / name).unlink(missing_ok=True)

    def sealed(self) -> dict[str, str]:
        """Returns which blobs were sealed already, and what each became."""
        path = self.directory / "sealed"
        if not path.exists():
            return {}
        # A last line that was cut by a crash is none.
        lines = path.read_text().split("\n")[:-1]
        pairs = (line.split(" ") for line in lines)
        return {
            pair[0]: pair[1] for pair in pairs if len(pair) == 2 and len({*map(len, pair)}) == 1
        }

    def add_sealed(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Remembers blobs whose envelopes are in the repository."""
        with self.path("sealed").open("a") as file:
            # The first line feed ends a line that a crash has cut.
            file.write("\n" + "".join(f"{old} {new}\n" for old, new in pairs))

    @property
    def is_moving(self) -> bool:
        """Whether a run was killed, maybe after its refs had moved."""
        return (self.directory / MOVING).exists()

    def finish(self) -> None:
        """Keeps the record of what was moved, and forgets the rest."""
        moving = self.directory / MOVING
        number = 1
        while (record := self.directory / f"record-{number}.json").exists():
            number += 1
        moving.replace(record)
        self.drop(PLAN, "sealed", "marks")

    def records(self) -> list[dict[str, Any]]:
        """Returns what finished migrations left behind."""
        found = sorted(self.directory.glob(_RECORD))
        return [record for path in found if (record := self.get(path.name)) is not None]

    def forget(self) -> None:
        """Removes all of it."""
        shutil.rmtree(self.directory, ignore_errors=True)
