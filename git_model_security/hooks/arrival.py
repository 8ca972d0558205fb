"""After content came into the work tree: say in one line whether its signature holds.

Nothing here can stop what happened already, so the exit status is 0 unless
`GIT_MODEL_VERIFY=enforce`: a non-zero post-checkout breaks switch, bisect and
`worktree add`.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from git_model_security.errors import FAILED
from git_model_security.git import config, index
from git_model_security.hooks import merge
from git_model_security.keyring import ring
from git_model_security.workspace import pinned_trust, state, tree_check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.filter.clone import Clone

_BRANCH_CHECKOUT = "1"


def checked_out(clone: Clone, arguments: Sequence[str]) -> int:
    """post-checkout; a checkout of single files (flag 0) says nothing of a commit."""
    return _verify(clone) if arguments[2:3] == [_BRANCH_CHECKOUT] else 0


def merged(clone: Clone) -> int:
    """post-merge, after fast-forwards and pulls too."""
    merge.complete(clone)
    return _verify(clone)


def rewritten(clone: Clone, arguments: Sequence[str]) -> int:
    """post-rewrite: `amend` was signed by pre-commit, a rebase was not."""
    return _verify(clone) if arguments[:1] == ["rebase"] else 0


def _is_set_up(clone: Clone) -> bool:
    # The clone's own settings, not .gitmodel: a commit that removes it must not
    # silence the warning.
    return config.last(clone.settings, ring.KEY_ID) is not None


def _verify(clone: Clone) -> int:
    mode = os.environ.get("GIT_MODEL_VERIFY") or config.last(clone.settings, "git-model.verify")
    tree = index.head_tree(clone.repo)
    if mode == "off" or tree is None or not _is_set_up(clone):
        return 0
    commit = (index.resolve(clone.repo, "HEAD") or "")[:10]
    trust = pinned_trust.pinned(clone.repo)
    if not trust.fingerprints():
        sys.stderr.write(
            f"git-model: warning: {commit} is unverified: no trusted signer is pinned;"
            " `git model unlock --public-key FILE` pins one\n"
        )
    elif tree_check.holds(clone, tree):
        sys.stderr.write(f"git-model: {commit} is verified: its signatures hold\n")
        return 0
    else:
        sys.stderr.write(
            f"git-model: warning: {commit} is {state.head_state(clone)};"
            " see `git model verify HEAD`\n"
        )
    return FAILED if mode == "enforce" else 0
