"""Names the fixture modules; each test runs in an empty home of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

pytest_plugins = (
    "tests.fixtures.isolation",
    "tests.fixtures.repositories",
    "tests.fixtures.models",
    "tests.fixtures.people",
    "tests.fixtures.deployments",
    "tests.fixtures.chains",
    "tests.fixtures.collector",
    "tests.fixtures.giftless",
    "tests.fixtures.installations",
    "tests.fixtures.lfs_faults",
    "tests.fixtures.lfs_projects",
    "tests.fixtures.no_lfs",
    "tests.fixtures.npm",
    "tests.fixtures.servers",
    "tests.fixtures.sigstore_loopback",
    "tests.fixtures.tokens",
    "tests.fixtures.warm",
)

_LONGEST = ("test_install.py", "test_install_lock.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with tests that take long, so that no worker is alone with one at the end."""
    items.sort(key=lambda item: item.path.name not in _LONGEST)
