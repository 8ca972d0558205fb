"""Names the fixture modules; each test runs in an empty home of its own."""

from __future__ import annotations

pytest_plugins = (
    "tests.fixtures.isolation",
    "tests.fixtures.repositories",
    "tests.fixtures.models",
    "tests.fixtures.people",
)
