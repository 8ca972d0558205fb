"""Test vectors of the envelope (docs/SPEC.md, "Test vectors")."""
