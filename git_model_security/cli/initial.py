"""The options with which a repository begins: of `init`, and of `migrate`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from git_model_security.cli import options, terminal
from git_model_security.git.paths import shown
from git_model_security.keyring.store import KeyStore
from git_model_security.policy import gitmodel, profiles
from git_model_security.policy.syntax import MAX_SIZE_BYTES
from git_model_security.setup.init import Request
from git_model_security.signing.methods import KEY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git_model_security.guard.finding import Finding
    from git_model_security.setup.clear_files import Glimpse

_SIZE = re.compile(r"([0-9]{1,13})\s*(?:([kmgt])(?:ib)?)?", re.IGNORECASE)
_FACTORS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def _size(text: str | int) -> int:
    """Returns a number of bytes, such as `64m`; suffixes are binary, as Git's are."""
    found = _SIZE.fullmatch(str(text).strip())
    value = int(found[1]) * _FACTORS[(found[2] or "").lower()] if found else 0
    if not 1 <= value <= MAX_SIZE_BYTES:
        raise click.BadParameter(f"{text!r} is no size, as 1048576 and 1MiB are")
    return value


chosen = options.together(
    options.key,
    options.signing_key,
    click.option("--profile", type=click.Choice(profiles.NAMES), help="What to encrypt."),
    click.option(
        "--storage",
        type=click.Choice(["auto", "inline", "lfs"]),
        help="Where ciphertext lives: in Git itself, or in git-lfs.",
    ),
    click.option(
        "--threshold",
        type=_size,
        metavar="SIZE",
        help="With git-lfs: files of this size and over go there, 1MiB unless said.",
    ),
    click.option(
        "--digest", type=click.Choice(["sha256", "blake3"]), help="Digest to sign over."
    ),
    click.option(
        "--signature",
        metavar="NAME",
        help="File name of the signature; `model.sig` unless said.",
    ),
    click.option("--include", multiple=True, metavar="PATTERN", help="Encrypt these as well."),
    click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave these clear."),
    click.option(
        "--model-root", multiple=True, metavar="DIR", help="A directory that is a model."
    ),
)
"""Gives a command all of these options; `request` takes what was given."""


def request(
    *,
    storage: str | None,
    model_root: tuple[str, ...],
    accept_plaintext_history: bool = False,
    **given: Any,
) -> Request:
    """Returns what the user asked for."""
    return Request(
        storage=None if storage == "auto" else storage,
        roots=tuple(map(gitmodel.as_root, model_root)),
        accept_plaintext_history=accept_plaintext_history,
        **given,
    )


def show_keys(key_id: str, fingerprint: str, method: str = KEY) -> None:
    """Says which keys a repository was set up with, and what to do with them."""
    terminal.result(f"AES-256 key   {key_id}")
    terminal.result(f"  kept in     {shown(bytes(KeyStore().directory / key_id))}")
    terminal.result("  back it up: git model key export FILE   (without it nothing decrypts)")
    if method != KEY:
        terminal.result(f"Signs with    {method}")
        return
    terminal.result(f"Signing key   {fingerprint[:32]}")
    terminal.result("  give out:   git model key export --public FILE   (to whoever verifies)")


def notes(noted: Mapping[bytes, Glimpse]) -> dict[bytes, str]:
    """Returns what to say of files that stay clear, and that a person has to look at."""
    return {
        path: f"{'text' if one.is_text else 'binary'}, {terminal.bytes_text(one.size)}"
        for path, one in noted.items()
    }


def show_findings(title: str, findings: Sequence[Finding]) -> None:
    """Writes what the audit has found, cut where it gets long."""
    terminal.result(f"{title} ({len(findings)}):")
    for finding in findings[: terminal.SHOWN_FILES]:
        terminal.result(f"  {finding.describe()}")
    more = len(findings) - terminal.SHOWN_FILES
    if more > 0:
        terminal.result(f"  … and {more} more; see `git model audit`")
