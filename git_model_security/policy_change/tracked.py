"""What `git model track` lists: which pattern decides for how many tracked files."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from git_model_security.clone import missing_policy
from git_model_security.git import attributes as git_attributes
from git_model_security.git import index
from git_model_security.policy import attributes, profiles

if TYPE_CHECKING:
    from git_model_security.clone.clone import Clone

BY_PROFILE = "by the profile"
Rules = dict[str, list[tuple[str, int]]]
"""Patterns by title, each with how many tracked files it decides for."""


def rules(clone: Clone) -> Rules:
    """Returns the patterns of the policy in the index.

    Raises:
        PolicyError: there is none.
    """
    entries = index.staged(clone.repo)
    policy = missing_policy.require(clone, entries)
    groups = {
        f"Encrypted, {BY_PROFILE} {policy.profile}": profiles.patterns(policy.profile),
        f"Clear as source text, {BY_PROFILE}": profiles.clear_patterns(policy.profile),
        "Encrypted on top of it": policy.include,
        "Clear in spite of it": policy.exclude,
        "Clear, untracked on purpose": policy.untracked,
    }
    order = [pattern for patterns in groups.values() for pattern in patterns]
    # The last line that matches a path decides (gitattributes, "DESCRIPTION"). A driver
    # per line, in a scratch directory, has Git itself tell which one that was.
    lines = attributes.numbered(order, hidden=profiles.leaves_hidden(policy.profile))
    left_out = policy.signature_paths()
    paths = [one.path for one in entries if one.is_file and one.path not in left_out]
    counts = Counter(git_attributes.drivers_by(lines, paths).values())
    numbers = iter(range(len(order)))
    return {
        title: [(pattern, counts[b"%d" % next(numbers)]) for pattern in patterns]
        for title, patterns in groups.items()
        if patterns
    }
