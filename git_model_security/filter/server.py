"""What a filter process answers to the requests of one Git command."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from git_model_security.clone.clone import Clone
from git_model_security.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from git_model_security.deploy.release import Gate
    from git_model_security.envelope.layout import BytesLike
    from git_model_security.errors import Error
    from git_model_security.filter.delayed import Waiting
    from git_model_security.git.pktline import Content


class Server:
    """Cleans and smudges for one Git command; imports only what is asked of it.

    Args:
        is_verbatim: it serves the driver of a deploy clone for what is clear in Git.
    """

    def __init__(self, *, is_verbatim: bool = False) -> None:
        self._clone = Clone()
        self._is_verbatim = is_verbatim

    @cached_property
    def waiting(self) -> Waiting:
        """The files whose content comes later."""
        from git_model_security.filter.delayed import Waiting

        return Waiting(self._clone)

    @cached_property
    def _gate(self) -> Gate:
        from git_model_security.deploy.release import Gate

        return Gate(self._clone)

    @cached_property
    def _refusal(self) -> Error | None:
        from git_model_security.filter import missing_hooks

        return missing_hooks.check(self._clone)

    def answer(
        self, request: Mapping[bytes, bytes], content: Content
    ) -> Iterable[BytesLike] | None:
        """Returns what a request asks for, or None when it comes later.

        Raises:
            Error: it cannot be had; also while iterating.
        """
        path = request[b"pathname"]
        if self._is_verbatim:
            return self._verbatim(request, content)
        refusal = self._refusal
        if request[b"command"] == b"clean":
            if refusal is not None:
                raise refusal
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
                admit=self._admission(request) if self._clone.is_deploy else None,
            )
        except smudge.Delayed as later:
            self.waiting.add(path, later)
            return None

    def _verbatim(
        self, request: Mapping[bytes, bytes], content: Content
    ) -> Iterable[BytesLike]:
        """Returns what is clear in Git as it is, out of it once it is verified."""
        from git_model_security.content.sealed import Spooled

        # Git reads no answer before it has sent everything.
        spooled = Spooled(self._clone)
        for piece in content:
            spooled.write(piece)
        if request[b"command"] != b"clean":
            self._admission(request)(spooled.oid())
        return spooled.chunks()

    def _admission(self, request: Mapping[bytes, bytes]) -> Callable[[str], None]:
        """Returns what lets a blob be written at the path of a request, or raises."""
        path = request[b"pathname"]
        treeish = request.get(b"treeish", b"").decode("utf-8", "surrogateescape")
        ref = request.get(b"ref", b"").decode("utf-8", "surrogateescape")

        def admit(oid: str) -> None:
            try:
                self._gate.admit(path, oid, treeish, ref)
            except VerificationError:
                # Git stops now, and its hooks do not run.
                from git_model_security.deploy import links

                links.sweep_new(self._clone.repo, self._gate)
                raise

        return admit
