"""What a filter process answers to the requests of one Git command."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from git_model_security.filter.clone import Clone

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from git_model_security.envelope.layout import BytesLike
    from git_model_security.filter.delayed import Waiting
    from git_model_security.git.pktline import Content


class Server:
    """Cleans and smudges for one Git command; imports only what is asked of it."""

    def __init__(self) -> None:
        self._clone = Clone()

    @cached_property
    def waiting(self) -> Waiting:
        """The files whose content comes later."""
        from git_model_security.filter.delayed import Waiting

        return Waiting(self._clone)

    def answer(
        self, request: Mapping[bytes, bytes], content: Content
    ) -> Iterable[BytesLike] | None:
        """Returns what a request asks for, or None when it comes later.

        Raises:
            Error: it cannot be had; also while iterating.
        """
        path = request[b"pathname"]
        if request[b"command"] == b"clean":
            from git_model_security.filter.clean import clean

            return clean(self._clone, path, content)
        from git_model_security.filter import smudge

        if "waiting" in self.__dict__ and path in self.waiting:
            return self.waiting.take(path)
        blob = request.get(b"blob")
        try:
            return smudge.smudge(
                self._clone,
                path,
                content,
                blob.decode() if blob else None,
                can_delay=request.get(b"can-delay") == b"1",
            )
        except smudge.Delayed as later:
            self.waiting.add(path, later)
            return None
