"""Which repository a `.gitmodel` is of.

A signature is over a whole tree, and says nothing of the repository that it was made in. But
every signed tree holds `.gitmodel`, and that names the repository: by a random id, or where it
has none, by the key that it seals under. What a clone takes for its own is `pinned`'s to keep.
docs/SPEC.md, "Repository".
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set

    from git_model_security.policy.gitmodel import Policy

_ID_BYTES = 16
_BY_KEY = "key:"


def new() -> str:
    """Returns an id for a repository that has none: random and public."""
    return secrets.token_hex(_ID_BYTES)


def given(policy: Policy) -> Policy:
    """Returns a policy that names its repository, also where trees were signed without that."""
    if policy.repository:
        return policy
    formerly = (policy.key_id,) if policy.key_id else ()
    return policy._replace(repository=new(), formerly=formerly)


def name(policy: Policy) -> str:
    """Returns what tells the repository of a policy from others."""
    return policy.repository or _BY_KEY + policy.key_id


def names(policy: Policy) -> frozenset[str]:
    """Returns all names of the repository of a policy: it may have got its id only later."""
    formerly = (_BY_KEY + key_id for key_id in policy.formerly if policy.repository)
    return frozenset({name(policy), *formerly})


def has_id(known: Set[str]) -> bool:
    """Tells whether there is an id among the names of a repository."""
    return any(not one.startswith(_BY_KEY) for one in known)


def is_of(policy: Policy, known: Set[str]) -> bool:
    """Tells whether a policy is of the repository that has these names; without any, it is.

    Of a repository without an id, the first one that says which key it went by is its own.
    """
    if not known or name(policy) in known:
        return True
    return bool(policy.repository) and not has_id(known) and not names(policy).isdisjoint(known)
