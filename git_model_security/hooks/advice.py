"""What to do about what a guard found: one hint, by the rules that it breaks."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from git_model_security.errors import UPGRADE_HINT
from git_model_security.git.paths import shown
from git_model_security.guard import finding as rules
from git_model_security.policy.attributes import escaped, literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.guard.finding import Finding

COMMITTED = (
    "each commit that holds it must be made anew: `git commit --amend` or `git rebase -i`, or"
    " `git model migrate` for a long history"
)
PAST = (
    "the tip is good, and the history is not: `git model migrate` makes it anew, encrypted;"
    " `git -c git-model.guard=warn push` publishes it as it is, once and for all"
)
_NAMED = 3
_NO_PATH = (
    "no commit has what a tag or another ref names by itself: leave that ref out, or"
    " `git tag --delete` it"
)
_CLAUSES = {
    rules.KEY: "`git rm --cached {0}` takes the key out; make a new one if it was ever pushed",
    rules.COPY: "{0} holds content that is encrypted elsewhere: `git model track {0}`, or"
    " `git rm --cached {0}`",
    rules.POINTER: "`git lfs fetch --all` brings what pointers name; one that git-lfs did not"
    " write: `git rm --cached {0}`",
    rules.BROKEN_POLICY: "`git log -p -- .gitmodel` shows what changed; `git model repair` puts"
    " it back",
    rules.UNREADABLE: "`git fsck` says what is lost; fetch it from a complete clone",
}
"""What is the same wherever a rule is broken, with its first path."""


def hint(findings: Iterable[Finding], *, is_locked: bool = False) -> str:
    """Returns in one line what to do about findings; see `clauses`."""
    return "; ".join(clauses(findings, is_locked=is_locked))


def clauses(
    findings: Iterable[Finding], *, is_locked: bool = False, is_committed: bool = False
) -> list[str]:
    """Returns what whoever made the findings does next, a clause each.

    Args:
        findings: what was found; each rule is spoken of once, with its first path, or
            where a decision is asked for with its first few.
        is_locked: this clone may use no key.
        is_committed: commits hold it already, not the index alone.
    """
    first: dict[str, str] = {}
    findings = list(findings)
    said = []
    for one in findings:
        if one.path or one.rule in {rules.BROKEN_POLICY, rules.UNREADABLE}:
            first.setdefault(one.rule, shlex.quote(escaped(shown(one.path))))
        else:
            said = [_NO_PATH]
    if sealable := first.get(rules.PLAINTEXT) or first.get(rules.DAMAGED):
        unlock = "`git model unlock --key FILE`, then " * is_locked
        said.append(
            # Where stat data match, `git add` alone asks no filter.
            f"{unlock}`git add --renormalize {sealable}` with the filter in place;"
            " see `git model doctor`"
        )
    if rules.NEWER in first:
        said.append(UPGRADE_HINT)
    said += _models(_paths(findings, rules.MODEL))
    said += _decision(_paths(findings, rules.UNDECIDED), is_locked=is_locked)
    said += [clause.format(first[rule]) for rule, clause in _CLAUSES.items() if rule in first]
    if is_committed and first.keys() - {rules.NEWER, rules.POINTER, rules.UNREADABLE}:
        said.append(COMMITTED)
    return said


def _paths(findings: Iterable[Finding], rule: str) -> list[bytes]:
    return list(dict.fromkeys(one.path for one in findings if one.path and one.rule == rule))


def _models(paths: list[bytes]) -> list[str]:
    what = "the model" if len(paths) == 1 else "the models"
    said = f"`git model track {_named(paths)}` encrypts {what} from now on"
    return [said] if paths else []


def _named(paths: list[bytes]) -> str:
    """Returns patterns of the first few, for a shell."""
    return " ".join(shlex.quote(literal(shown(path))) for path in paths[:_NAMED])


def _decision(paths: list[bytes], *, is_locked: bool) -> list[str]:
    if not paths:
        return []
    named = _named(paths)
    it = "it" if len(paths) == 1 else "them"
    is_clear = "it is" if len(paths) == 1 else "they are"
    unlock = "`git model unlock --key FILE`, then " * is_locked
    return [
        f"{unlock}`git model track {named}` encrypts {it}, or `git model untrack {named}`"
        f" puts on record that {is_clear} clear on purpose; then commit again"
    ]
