"""Test vectors of the list of the team (docs/SPEC.md, "Team: test vectors")."""
