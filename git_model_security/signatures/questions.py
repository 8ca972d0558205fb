"""What a person is asked before a signature: a passphrase, a PIN, whether to publish.

A secret that opens a key is looked for in this order, as Git asks for passwords:

1. the environment, for CI;
2. the program that Git would ask (GIT_ASKPASS, core.askPass, SSH_ASKPASS);
3. the terminal itself: a hook's standard input is none.

A secret that is wrong is an error, and no reason to go on to the next place: a token
counts the tries. Nothing is kept beyond the process, nor given to another one.

What public Sigstore publishes is asked once per clone, or answered in the configuration.
A Sigstore of one's own publishes what its owner decided, and needs no question.
docs/SPEC.md, "Signatures: Sigstore".
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from git_model_security.errors import PolicyError
from git_model_security.git import askpass, config

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository

KEY_VARIABLE = "GIT_MODEL_SIGNING_KEY_PASSWORD"
PIN_VARIABLE = "GIT_MODEL_PKCS11_PIN"
_TERMINAL = "/dev/tty"

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
_AGREE_ALWAYS = f"`git config --global {PUBLIC_LOG} true` agrees for this user"


class Passphrases:
    """Asks a person for a secret once: a commit signs twice."""

    def __init__(self) -> None:
        self._known: dict[str, bytes | None] = {}

    def for_key(self, key: str) -> bytes | None:
        """Returns the passphrase of an encrypted key, which is named so, or None."""
        return self._secret(KEY_VARIABLE, f"Passphrase for the signing key {key}: ")

    def for_token(self, token: str) -> bytes | None:
        """Returns the PIN of a token, by its label, or None."""
        return self._secret(PIN_VARIABLE, f"PIN of the token {token}: ")

    def _secret(self, variable: str, prompt: str) -> bytes | None:
        text = os.environ.get(variable)
        if text:
            return os.fsencode(text)
        # By what it opens, not by the question: a key is read where it was, and as kept.
        if variable not in self._known:
            self._known[variable] = _asked(prompt)
        return self._known[variable]


def _asked(prompt: str) -> bytes | None:
    program = askpass.program(os.environ)
    answer = askpass.ask(program, prompt) if program else None
    if answer is None and askpass.may_use_terminal(os.environ):
        return _from_terminal(prompt)
    return answer


def _from_terminal(prompt: str) -> bytes | None:
    import getpass  # most keys have none

    # getpass would fall back to standard input, where a filter or a hook is told
    # something else, and would show what is typed.
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return None
    try:
        return os.fsencode(getpass.getpass(prompt)) or None
    except EOFError:
        return None


def require_public_log(repo: Repository | None) -> None:
    """Asks a person to agree, the first time in a clone; outside of one each time.

    Raises:
        PolicyError: the answer was no, or nobody is there to answer.
    """
    values = config.read_user() if repo is None else config.read(repo)
    agree = _AGREE if repo else _AGREE_ALWAYS
    if config.is_true(values, PUBLIC_LOG.lower()):
        return
    if PUBLIC_LOG.lower() in values:
        raise PolicyError(
            f"signing with public Sigstore is refused by {PUBLIC_LOG}",
            hint="sign by key, or with a Sigstore of your own (--trust-config)",
        )
    with askpass.open_terminal() as person:
        if person is None:
            raise PolicyError(
                "signing with public Sigstore publishes who signed and a digest of the model,"
                " and nobody has agreed to that here",
                hint=f"{agree}; --trust-config FILE signs with a Sigstore of your own",
            )
        sys.stderr.write(f"{_WHAT}Publish it? [y/N] ")
        sys.stderr.flush()
        said = person.readline().strip().lower()
    if said not in {"y", "yes"}:
        raise PolicyError("nothing was published and nothing signed", hint=agree)
    if repo is not None:
        config.put(repo, PUBLIC_LOG, "true")
