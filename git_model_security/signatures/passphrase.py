"""What opens a signing key: the passphrase of a key file, the PIN of a token.

In this order, as Git asks for passwords:

1. the environment, for CI;
2. the program that Git would ask (GIT_ASKPASS, core.askPass, SSH_ASKPASS);
3. the terminal itself: a hook's standard input is none.

A secret that is wrong is an error, and no reason to go on to the next place: a token
counts the tries. Nothing is kept beyond the process, nor given to another one.
"""

from __future__ import annotations

import os

from git_model_security.git import askpass

KEY_VARIABLE = "GIT_MODEL_SIGNING_KEY_PASSWORD"
PIN_VARIABLE = "GIT_MODEL_PKCS11_PIN"
_TERMINAL = "/dev/tty"


class Passphrases:
    """Asks a person for a secret once: a commit signs twice."""

    def __init__(self) -> None:
        self._known: dict[str, bytes | None] = {}

    def for_key(self, key: str) -> bytes | None:
        """Returns the passphrase of an encrypted key, or None.

        Args:
            key: names the key for the person who is asked.
        """
        return self._secret(KEY_VARIABLE, f"Passphrase for the signing key {key}: ")

    def for_token(self, token: str) -> bytes | None:
        """Returns the PIN of a token, or None.

        Args:
            token: its label, for the person who is asked.
        """
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
