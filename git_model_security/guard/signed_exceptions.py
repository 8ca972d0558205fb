"""What a trusted signer decided to have in clear, of what a push brings.

A signature covers one tree: these bytes, at these paths, under that policy. It says
nothing of other commits of the push, and an old one nothing of what was protected since.
Whose signature counts is for the caller to say. docs/SERVER.md.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from git_model_security.git import attributes, index, pushes
from git_model_security.guard import policies
from git_model_security.guard.finding import PLAINTEXT, POINTER
from git_model_security.policy.gitmodel import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from git_model_security.git.repository import Repository
    from git_model_security.guard.finding import Finding

_RULES = {PLAINTEXT, POINTER}
_SIGNATURES = 256
"""How many commits of one push are asked for theirs; each reads a whole tree."""
_BASES = 64
"""Without a HEAD each branch is one, and costs processes; with more nothing is free."""


class Decided:
    """Judges findings by the signed trees in which they stand.

    Args:
        bases: commits whose policies no older one outdoes: HEAD.

    Attributes:
        stale: a signed tree would have freed something, and its policy is of before.
    """

    def __init__(
        self, repo: Repository, bases: Sequence[str], trusted: Callable[[str], bool]
    ) -> None:
        self._repo = repo
        self._bases = bases
        self._trusted = trusted
        self.stale = False

    def kept(self, found: Iterable[Finding], tips: Iterable[str]) -> list[Finding]:
        """Returns what nobody decided to have in clear.

        1. First the tips are asked, then each commit that brought a finding in: its tree
           must hold just that blob at that path, under a trusted signature.
        2. Its policy must be that of each base, or have come after it and be new: who
           brings an old signed tree back must not bring back what it left in clear.
        3. Neither that policy nor the repository's own attributes protect the path.
        """
        left = list(found)
        origins = (one.commit for one in left if one.rule in _RULES and one.commit)
        asked_of = list(dict.fromkeys((*tips, *origins)))[:_SIGNATURES]
        for commit in asked_of if len(self._bases) <= _BASES else ():
            asked = {(one.path, one.oid) for one in left if one.rule in _RULES}
            if not asked:
                break
            free = self._free(commit, asked)
            left = [
                one for one in left if one.rule not in _RULES or (one.path, one.oid) not in free
            ]
        return left

    def _free(self, commit: str, asked: set[tuple[bytes, str]]) -> set[tuple[bytes, str]]:
        policy = pushes.blobs(self._repo, [commit], NAME.decode())[commit]
        if policy is None or not self._trusted(commit):
            return set()
        entries = index.tree(self._repo, commit)
        there = asked & {(entry.path, entry.oid) for entry in entries if entry.is_file}
        paths = {path for path, _ in there}
        # The signature stands in what is pushed, which no ref names yet.
        rules = policies.read(self._repo, [policy], commits=[commit]).rules
        bound = attributes.protected(self._repo, paths)
        for text in rules:
            bound |= attributes.protected_by(text, paths)
        free = {(path, oid) for path, oid in there if path not in bound}
        if free and not self._is_new(commit, policy):
            self.stale = True
            return set()
        return free

    def _is_new(self, commit: str, policy: str) -> bool:
        others = [(held, past) for held, past in self._past if held != policy]
        if not others:
            return True
        if any(policy in past for _, past in others):
            return False
        known = pushes.bygone(self._repo, commit, NAME.decode())
        return all(held in known for held, _ in others)

    @cached_property
    def _past(self) -> list[tuple[str, set[str]]]:
        """The policy of each base, and those that it had before."""
        held = pushes.blobs(self._repo, self._bases, NAME.decode())
        return [
            (oid, pushes.bygone(self._repo, base, NAME.decode()))
            for base, oid in held.items()
            if oid
        ]
