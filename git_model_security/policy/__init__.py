"""Policy: what is protected, and what all clones must agree on.

Owns `.gitmodel`, the protection profiles, the generated attributes and the
pinned policy of a clone. Knows no keys. docs/SPEC.md, "Repository format".
"""
