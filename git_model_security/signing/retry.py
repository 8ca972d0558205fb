"""How long a server of Sigstore may keep a commit waiting.

sigstore asks Fulcio and Rekor through sessions of its own that wait for ever, and gives
no way to say otherwise: a server that takes a request and never answers hangs the commit.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 60
"""For a connection, and between two pieces of an answer. A log takes some seconds to
include an entry."""


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Has each session that is made meanwhile give up in the end.

    A session of requests mounts the adapter that stands in its module when it is made, so
    this reaches the sessions that sigstore makes within, and no other.
    """
    from requests import sessions
    from requests.adapters import HTTPAdapter

    class Limited(HTTPAdapter):
        def send(self, request: Any, **options: Any) -> Any:  # type: ignore[override]
            if options.get("timeout") is None:
                options["timeout"] = SECONDS
            return super().send(request, **options)

    before, sessions.HTTPAdapter = sessions.HTTPAdapter, Limited  # type: ignore[attr-defined]
    try:
        yield
    finally:
        sessions.HTTPAdapter = before  # type: ignore[attr-defined]
