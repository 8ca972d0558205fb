"""Whether the person here agrees to what signing with public Sigstore publishes.

Asked once per clone, or answered in the configuration. A Sigstore of one's own publishes
what its owner decided, and needs no question. docs/SPEC.md, "Signatures: Sigstore".
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from git_model_security.errors import PolicyError
from git_model_security.git import config, terminal

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository

PUBLIC_LOG = "git-model.publicLog"
"""Configuration: true agrees, false refuses."""

_WHAT = (
    "Signing with public Sigstore publishes, for ever, in a log that anybody can search:\n"
    "  - who you are: the e-mail address or CI workflow that the token names,\n"
    "  - when you signed,\n"
    "  - a SHA-256 over the names and plaintext digests of this model's files.\n"
    "The operator of the log also receives that list of names and digests itself.\n"
)
_AGREE = "`git model config publicLog true` agrees for this clone"


def require_public_log(repo: Repository) -> None:
    """Asks a person to agree, the first time in a clone.

    Raises:
        PolicyError: the answer was no, or nobody is there to answer.
    """
    values = config.read(repo)
    if config.is_true(values, PUBLIC_LOG.lower()):
        return
    if PUBLIC_LOG.lower() in values:
        raise PolicyError(
            f"signing with public Sigstore is refused by {PUBLIC_LOG}",
            hint="sign by key, or with a Sigstore of your own (--trust-config)",
        )
    with terminal.opened() as person:
        if person is None:
            raise PolicyError(
                "signing with public Sigstore publishes who signed and a digest of the model,"
                " and nobody has agreed to that here",
                hint=f"{_AGREE}; --trust-config FILE signs with a Sigstore of your own",
            )
        sys.stderr.write(f"{_WHAT}Publish it? [y/N] ")
        sys.stderr.flush()
        said = person.readline().strip().lower()
    if said not in {"y", "yes"}:
        raise PolicyError("nothing was published and nothing signed", hint=_AGREE)
    config.put(repo, PUBLIC_LOG, "true")
