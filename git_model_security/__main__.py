"""The command `git-model`: plumbing at once, everything else through `cli`.

Git spawns the plumbing for every command that touches a protected file, so it
must not wait for the import of click.
"""

from __future__ import annotations

import gc
import sys

_COLLECTED_AFTER = 200_000
"""Objects that may come to be before Python looks for circles among them. At its own
number, 700, a tenth of what a hook costs is that search, which finds nothing."""


def main() -> int:
    """Runs the command line and returns the exit status."""
    gc.set_threshold(_COLLECTED_AFTER)
    status = _run()
    if sys.argv[1:2] == ["hook"]:
        # A hook has closed all that it opened: at its end Python need not look through all
        # objects once more, which was 7 % of a hook.
        gc.freeze()
    return status


def _run() -> int:
    if sys.argv[1:2] == ["filter-process"]:
        from git_model_security.filter.process import main as serve

        return serve(is_verbatim=sys.argv[2:] == ["verified"])
    from git_model_security.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
