"""The error families and their exit statuses; imports nothing of the project.

An `Error` is something a person can act on: it says what happened and to which
file, and its `hint` says what to do next. `cli` is the one place that catches
it. A bug of ours is never an `Error`: it asserts, and exits with `BUG`.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FAILED = 1
"""A check failed, or the operation could not be done."""
USAGE = 2
"""The command line was wrong."""
BUG = 3
"""A bug of ours."""
UNCHECKED = 4
"""A gate (`verify`, `audit`, `status`, `clone --deploy`) could not look, so that it says
neither that all holds nor that it does not."""
UPGRADE_HINT = "upgrade: a newer git-model wrote it; leave the file as it is until then"
"""Never to seal it again: that would put older content in place of a colleague's."""
INTERRUPTED = 130
"""Stopped by SIGINT (128 + 2, as a shell reports it)."""
UNHEARD = 141
"""Nobody reads the output to its end (128 + SIGPIPE)."""


class Error(Exception):
    """Base of all errors that a person sees.

    Args:
        message: what happened, to which file; lower case, no full stop.
        hint: what to do next, where that helps; several things a line each.
    """

    exit_status = FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def gate_status(self) -> int:
        """The exit status of a gate that this ends: whose fault is it?

        `FAILED` where what was to be checked is at fault. `UNCHECKED` where something is
        missing on the side of who checks: a key, an object, a file that can be read.
        """
        return UNCHECKED

    @property
    def unverified(self) -> Reason:
        """Why a signature that this keeps from being compared does not hold.

        Of a `VerificationError` that is its `reason`; no other error has one, since nothing
        was compared with what was signed.
        """
        return Reason.UNREADABLE if self.gate_status == UNCHECKED else Reason.TAMPERED


class UsageError(Error):
    """The command cannot mean what was asked (exit status 2)."""

    exit_status = USAGE

    @property
    def gate_status(self) -> int:
        """See `Error`."""
        return USAGE


class EnvelopeError(Error):
    """Bytes that are not a well-formed envelope: truncated, extended, misframed."""

    @property
    def gate_status(self) -> int:
        """See `Error`."""
        return FAILED


class AuthenticationError(EnvelopeError):
    """A well-formed envelope that its key does not authenticate."""


class NewerFormatError(EnvelopeError):
    """What begins as an envelope of a version or suite that a newer git-model writes."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint or UPGRADE_HINT)

    @property
    def gate_status(self) -> int:
        """See `Error`."""
        return UNCHECKED


class ModelError(Error):
    """A model file that is not as its format says, or that needs a pickle."""

    @property
    def gate_status(self) -> int:
        """See `Error`."""
        return FAILED


class KeyNotFoundError(Error):
    """The key that a file or operation needs is not held by this clone."""

    @property
    def unverified(self) -> Reason:
        """See `Error`."""
        return Reason.NO_KEY


class NotFetchedError(Error):
    """Ciphertext that is known by name and is not on this machine."""

    @property
    def unverified(self) -> Reason:
        """See `Error`."""
        return Reason.NOT_FETCHED


class ConfigError(Error):
    """A setting, a key file or `.gitmodel` that cannot be used."""


class PolicyError(Error):
    """Something that the repository's policy does not allow."""

    @property
    def gate_status(self) -> int:
        """See `Error`."""
        return FAILED


class UnvouchedError(PolicyError):
    """Content that nobody vouches for was about to be signed."""


class TeamError(Error):
    """A list of the team that is not as it must be, or a change that it does not allow."""

    @property
    def gate_status(self) -> int:
        """See `Error`."""
        return FAILED


class NewerTeamError(TeamError):
    """A list of the team that says what only a newer git-model understands."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint or UPGRADE_HINT)

    @property
    def gate_status(self) -> int:
        """See `Error`."""
        return UNCHECKED


class RecipientError(Error):
    """Something that no key may be wrapped for."""


class WrapError(Error):
    """A wrapped key that does not open, or that holds something else."""


class GitError(Error):
    """Git refused or failed, or the repository is not in the state it must be in."""


class RecordError(GitError):
    """The clone's memory cannot be read, or nothing be added to it."""


class ProtocolError(Error):
    """The other end of a pipe does not speak the protocol it should."""


class SigningError(Error):
    """A signature could not be made; nothing was signed."""


class PersonNeededError(SigningError):
    """To sign, a person must log in or answer, and nobody is there."""


class Reason(enum.Enum):
    """Why a signature does not hold; each is told apart to the user."""

    UNSIGNED = "unsigned"
    MALFORMED = "malformed bundle"
    UNTRUSTED = "untrusted signer"
    WRONG_KEY = "wrong key"
    WRONG_IDENTITY = "wrong identity"
    INVALID = "invalid signature"
    ELSEWHERE = "signed in another repository"
    STALE = "stale signature"
    TAMPERED = "tampered"
    CONVERTED = "converted"
    MISSING = "missing file"
    EXTRA = "extra file"
    LINK = "symbolic link"
    CONFLICT = "merge conflict"
    UNCOMMITTED = "not committed"
    IGNORED = "ignored file"
    UNCOVERED = "not covered"
    SPARSE = "not checked out"
    NOT_FETCHED = "not fetched"
    NOT_MATERIALISED = "not materialised"
    NO_KEY = "key not held"
    UNREADABLE = "could not be read"
    OLDER = "rolled back"
    UNEXPECTED = "another commit"

    @property
    def gate_status(self) -> int:
        """What a gate exits with that finds this alone; see `Error`."""
        unchecked = {
            *(Reason.NOT_FETCHED, Reason.NOT_MATERIALISED, Reason.SPARSE),
            *(Reason.NO_KEY, Reason.UNREADABLE),
        }
        return UNCHECKED if self in unchecked else FAILED


def gate_status(reasons: Iterable[Reason]) -> int:
    """Returns what a gate exits with: what does not hold outweighs what nobody could see."""
    found = {reason.gate_status for reason in reasons}
    return min(found, default=0)


class VerificationError(Error):
    """A signature that does not hold, with the `Reason`.

    Args:
        reason: why.
        message: see `Error`.
        hint: see `Error`.
        claimed: who says to have signed, of whom nothing is proven.
    """

    def __init__(
        self, reason: Reason, message: str, *, hint: str | None = None, claimed: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.claimed = claimed

    @property
    def unverified(self) -> Reason:
        """See `Error`."""
        return self.reason

    @property
    def gate_status(self) -> int:
        """See `Error`."""
        return self.reason.gate_status
