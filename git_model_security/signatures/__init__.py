"""Making signatures: who signs, with whose leave, and the two bundles of each model root.

Owns the signer of a clone and what is signed. The methods themselves are `signing`, and
what may be signed is `provenance`.
"""
