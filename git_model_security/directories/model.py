"""A model without Git: a directory or one file, and what of it a signature is over."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_model_security import messages
from git_model_security.directories import selection
from git_model_security.errors import ConfigError, PolicyError
from git_model_security.git.paths import shown
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE
from git_model_security.signing.roles import STOCK_IGNORED, STOCK_SIGNATURE
from git_model_security.verification import bundle_place, listing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed import StrPath

NO_SIGNATURE = Path(os.devnull)
"""Where no bundle lies: all that is in a directory is meant."""

_NAMED = 10
_USUAL = (STOCK_SIGNATURE, CIPHERTEXT_SIGNATURE)


class Model(NamedTuple):
    """What is signed or verified.

    Attributes:
        path: as it was given.
        top: the directory; of one file the one it is in.
        only: the name of that file; None for a directory.
        signature: where its bundle lies.
        ignored: paths below the directory that no signature covers, with what lies below
            them; neither the bundle nor what is Git's is among them.
        has_git_paths: what is Git's at the top is part of the model.
        is_output: it is being written, and the mark that says so is no part of it.
    """

    path: Path
    top: Path
    only: bytes | None
    signature: Path
    ignored: frozenset[bytes]
    has_git_paths: bool = False
    is_output: bool = False

    @property
    def name(self) -> str:
        """What other software calls the model: the last part of its path."""
        return Path(os.path.realpath(self.path)).name

    @property
    def bundle(self) -> str:
        """Where its bundle lies: a name in the directory, where nobody said otherwise."""
        if self.is_usual and self.only is None:
            return self.signature.name
        return bundle_place.of_path(self.signature)

    @property
    def is_usual(self) -> bool:
        """Whether its bundle lies where it does unless somebody says otherwise."""
        if self.only is not None:
            return self.signature == bundle_place.beside(self.path)
        return self.signature in {self.top / one for one in _USUAL}

    @property
    def unsigned(self) -> list[str]:
        """What a signature leaves out, relative to the directory, as it says itself."""
        of_git = () if self.has_git_paths else STOCK_IGNORED
        inside = [] if self.own is None or self.only else [self.own]
        return sorted({*of_git, *inside, *map(os.fsdecode, self.ignored)})

    @property
    def own(self) -> str | None:
        """Where its bundle lies below the directory, or beside the file; None elsewhere."""
        own = os.path.relpath(os.path.realpath(self.signature), os.path.realpath(self.top))
        return None if own.startswith(os.pardir) else own

    @property
    def beside(self) -> list[bytes]:
        """What a copy of it has besides its files: its bundle, where that goes along."""
        return [] if self.own is None else [os.fsencode(self.own)]

    def copied_to(self, output: Path) -> Model:
        """Returns the model as it is once it was written to another directory.

        A bundle that lies in it goes along; one that lies elsewhere stays where it is.
        """
        path = output if self.only is None else output / os.fsdecode(self.only)
        place = self.signature if self.own is None else output / self.own
        return self._replace(path=path, top=output, signature=place, is_output=True)


def find(
    path: StrPath,
    signature: StrPath | None = None,
    ignored: StrPath | Iterable[StrPath] = (),
    *,
    has_git_paths: bool = False,
    is_sealed: bool = False,
) -> Model:
    """Returns the model at a path.

    Args:
        path: a directory, or a file.
        signature: its bundle; else `model.sig` in the directory, or `FILE.sig`.
        ignored: paths that no signature covers, from where the user stands.
        has_git_paths: what is Git's is part of the model.
        is_sealed: the bundle over ciphertext is meant, where the directory has one.

    Raises:
        ConfigError: there is nothing.
    """
    place = Path(path)
    if place.is_dir():
        below = {os.fsencode(os.path.relpath(one, place)) for one in selection.places(ignored)}
        usual = place / bundle_place.usual(place, is_sealed=is_sealed)
        own = usual if signature is None else Path(signature)
        kept = frozenset(one for one in below if not one.startswith(b".."))
        return Model(place, place, None, own, kept, has_git_paths)
    if not os.path.lexists(place):
        raise ConfigError(f"{shown(os.fsencode(path))}: there is no such file or directory")
    own = bundle_place.beside(place) if signature is None else Path(signature)
    return Model(place, place.parent, os.fsencode(place.name), own, frozenset())


def list_files(model: Model) -> list[bytes]:
    """Returns the files that a signature is over, hidden ones too, as model_signing does.

    Raises:
        PolicyError: there is none, or a link or something else that nobody can sign.
        ConfigError: a directory cannot be read.
    """
    if model.only is not None:
        modes = {model.only: os.lstat(model.path).st_mode}
    else:
        left_out = {os.fsencode(path) for path in model.unsigned}
        if model.is_output:
            left_out.add(selection.UNFINISHED)
        modes = listing.list_files(model.top, left_out)
    where = shown(os.fsencode(model.path))
    odd = sorted(name for name, mode in modes.items() if not stat.S_ISREG(mode))
    if odd:
        links = [name for name in odd if stat.S_ISLNK(modes[name])]
        what = "a symbolic link" if links else "no regular file"
        lines = [shown(name) for name in odd[:_NAMED]]
        listed = "\n  ".join(messages.shortened(lines, _NAMED, len(odd)))
        raise PolicyError(
            f"{where}: {what}, which nobody can sign:\n  {listed}",
            hint="put the file itself in its place, or leave it out:"
            f" --ignore-paths {shown(selection.place(model.top, odd[0]))}",
        )
    if not modes:
        raise PolicyError(f"{where}: there is nothing to sign", hint="name the model")
    return sorted(modes)
