"""Sets up a bare repository that people push to, and undoes it. docs/SERVER.md.

Owns what the repository's own configuration says: the pinned policy, the trusted signers,
the refs that must be signed. The hook is placed as those of a clone are (`setup.hooks`), or
in a file that the administrator names, for hosts that run hooks of their own and ours beside
them. What the hook does is `git_model_security.hooks.pre_receive`. Needs no key.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError, GitError, UsageError
from git_model_security.git import config, index, sharing
from git_model_security.guard import refusal
from git_model_security.keyring import key_files
from git_model_security.messages import counted
from git_model_security.policy import gitmodel, pinned
from git_model_security.policy.gitmodel import Policy
from git_model_security.setup.drivers import Program
from git_model_security.setup.hooks import hook_directory, hook_place, hook_setup, shims
from git_model_security.setup.hooks.hook_directory import EARLIER
from git_model_security.setup.hooks.journal import Journal
from git_model_security.trust import anchors, pinned_trust

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from git_model_security.git.repository import Repository

PROTECTED_REF = "git-model.protectedRef"
_HOOK = "pre-receive"
_PLACE = "git-model.serverHook"
"""The file that the administrator named."""
_INSTALL = "`git model install --server`"


@dataclass(frozen=True)
class Choices:
    """What an administrator chose; what is left out stays as it is.

    Attributes:
        profile: see `policy.profiles`: pins a policy, whatever is pushed.
        include: patterns protected on top of it.
        exclude: patterns left clear in spite of it.
        public_keys: files with the keys of signers to trust.
        protected_refs: patterns of the refs whose tips must be signed.
        hook: where the host looks for hooks, when it is not where Git does.
    """

    profile: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    public_keys: tuple[Path, ...] = ()
    protected_refs: tuple[str, ...] = ()
    hook: Path | None = None


def is_bare(repo: Repository) -> bool:
    """Tells whether a repository is one that people push to."""
    return repo.git("rev-parse", "--is-bare-repository").strip() == b"true"


def install(repo: Repository, choices: Choices) -> list[str]:
    """Makes a bare repository judge what is pushed to it, and tells what counts; idempotent.

    Raises:
        UsageError: patterns without a profile that they could be on top of.
        GitError: the repository has a work tree, or cannot be written to.
        ConfigError: a pattern or a key cannot be used.
    """
    if not is_bare(repo):
        raise GitError(
            f"{repo.git_dir}: not a bare repository",
            hint="run it in the repository that people push to; in a clone the guards come"
            " with `git model init`, `clone` and `unlock`",
        )
    policy = _policy(repo, choices)
    anchors.require_outside(repo, choices.public_keys)
    keys = [(key_files.read(path), str(path)) for path in choices.public_keys]
    lines = []
    trust = pinned_trust.pinned(repo)
    before = trust.fingerprints()
    added = [trust.add_public_key(key, origin) for key, origin in keys]
    lines += [f"trusts the signer {name[:16]}" for name in added if name not in before]
    if policy is not None and pinned.pin(repo, policy):
        lines.append("pinned the protection policy in info/attributes")
    with contextlib.suppress(ConfigError):  # one that cannot be read names no repository
        if (found := _policy_of_head(repo)) and not pinned.repositories(repo):
            pinned.bind(repo, found)
    # Where each pusher's account runs the hook; there is nothing secret in what it uses: no
    # key but public ones is ever kept on a server.
    sharing.adjust_below(repo.common_dir, repo.state_dir)
    lines += _choose_refs(repo, choices.protected_refs)
    lines += _install_hook(repo, choices.hook)
    return [*lines, *_what_counts(repo)]


def uninstall(repo: Repository) -> list[str]:
    """Takes the hook and the pinned policy out, puts back what was there, and tells what.

    The trusted signers stay: they let nothing in.

    Raises:
        GitError: a file or the configuration cannot be written.
    """
    lines = _uninstall_hook(repo)
    config.unset(repo, PROTECTED_REF)
    path = repo.common_dir / "info" / "attributes"
    if pinned.rules(repo):
        text = path.read_text("utf-8", "surrogateescape")
        with Journal() as journal:
            kept = pinned.without(text).encode("utf-8", "surrogateescape")
            journal.write(path, kept, mode=0o644)
        lines.append("took the protection policy out of info/attributes")
    return lines


def _policy(repo: Repository, choices: Choices) -> Policy | None:
    if choices.profile is None and not (choices.include or choices.exclude):
        return None
    base = Policy() if choices.profile else _policy_of_head(repo)
    if base is None:
        raise UsageError(
            "--include and --exclude need a --profile here",
            hint="--profile all, or all-but-source",
        )
    if choices.profile:
        base = base._replace(profile=choices.profile)
    policy = base._replace(
        include=tuple(dict.fromkeys((*base.include, *choices.include))),
        exclude=tuple(dict.fromkeys((*base.exclude, *choices.exclude))),
    )
    return gitmodel.checked(policy)


def _policy_of_head(repo: Repository) -> Policy | None:
    if index.head_tree(repo) is None:
        return None
    return gitmodel.find(index.tree(repo, "HEAD"), repo.objects)


def _choose_refs(repo: Repository, patterns: Sequence[str]) -> list[str]:
    wanted = [
        name if name.startswith("refs/") else f"refs/heads/{name}"
        for name in dict.fromkeys(patterns)
    ]
    if not wanted or config.read(repo).get(PROTECTED_REF.lower()) == wanted:
        return []
    config.unset(repo, PROTECTED_REF)
    for name in wanted:
        config.add(repo, PROTECTED_REF, name)
    return [f"asks for a signature on {', '.join(wanted)}"]


def _what_counts(repo: Repository) -> list[str]:
    """Says by which policy and signatures a push will be judged."""
    if pinned.rules(repo):
        policy = "protected is what info/attributes says, and what the .gitmodel of HEAD adds"
    elif index.resolve(repo, "HEAD:.gitmodel") is not None:
        policy = "protected is what the .gitmodel of HEAD says; --profile pins a policy here"
    else:
        policy = (
            "no policy yet: the first .gitmodel that is pushed says what is protected, and"
            " until then models and keys are found by content; --profile pins a policy here"
        )
    signers = pinned_trust.pinned(repo).fingerprints()
    if not signers:
        return [policy, "no signer is trusted, so no signature is asked for: --public-key FILE"]
    return [policy, f"signatures of {counted(len(signers), 'trusted signer')} count"]


def _install_hook(repo: Repository, place: Path | None) -> list[str]:
    """Makes the repository run our hook and those that were there; again changes nothing.

    The file is `place`, or the one that was named before, or stands where Git looks.
    """
    named = config.get(repo, _PLACE, "--local")
    chosen = place.absolute() if place else repo.common_dir / named if named else None
    if chosen is not None:
        with Journal() as journal:
            return _install_at(journal, repo, chosen)
    directory = hook_place.choose(repo).directory
    if hook_directory.is_conflict(directory, _HOOK):
        raise GitError(
            f"{directory / _HOOK} is a foreign hook, and {_HOOK}{EARLIER} another: not"
            " installed",
            hint="make one of the two, then run it again",
        )
    return hook_setup.install(repo, ours=shims.SERVER_HOOKS)


def _uninstall_hook(repo: Repository) -> list[str]:
    """Puts back what was there before `_install_hook`, and touches only what is ours."""
    lines = hook_setup.uninstall(repo)
    named = config.get(repo, _PLACE, "--local")
    if named is not None:
        path = repo.common_dir / named
        if shims.is_ours(path):
            with Journal() as journal:
                journal.remove(path)
            lines.append(f"removed {path}")
        config.unset(repo, _PLACE)
    return lines


def _install_at(journal: Journal, repo: Repository, path: Path) -> list[str]:
    shim = shims.render(_HOOK, shims.SERVER_HOOKS, Program.current(), shims.ALONE)
    is_new = not os.path.lexists(path)
    if not is_new and not shims.is_ours(path):
        raise GitError(f"{path}: there is another hook", hint="choose another name for ours")
    if config.get(repo, _PLACE, "--local") != str(path):
        config.put(repo, _PLACE, str(path))
    if not is_new and shims.is_same(path, shim):
        return []
    journal.make_directory(path.parent)
    journal.write(path, shim)
    return [f"{'installed' if is_new else 'refreshed'} {path}"]


def symptoms(repo: Repository) -> Iterator[tuple[str, str]]:
    """Yields what is wrong with the guard of a server, each with its remedy."""
    if refusal.is_overridden(repo, anywhere=True):
        yield (
            f"{refusal.GUARD}={refusal.WARN} lets everything in, with a warning",
            f"`git config --unset {refusal.GUARD}`, when it is over",
        )
    elif wrong := refusal.misunderstood(repo, anywhere=True):
        yield wrong, f"`git config --unset {refusal.GUARD}`"
    hook = _place(repo)
    if not shims.is_ours(hook):
        yield f"nothing judges what is pushed here: {hook} is not git-model's", _INSTALL
    elif not shims.is_executable(hook):
        yield f"{hook} is not executable, so Git does not run it", f"`chmod +x {hook}`"
    elif not shims.works(hook):
        yield f"the program that {hook} names is gone, so nothing is accepted", _INSTALL


def _place(repo: Repository) -> Path:
    named = config.get(repo, _PLACE, "--local")
    if named is not None:
        return repo.common_dir / named
    return hook_place.effective(repo) / _HOOK
