"""Whose signatures count: pinned signers, the files that name them, remembered verdicts.

Owns the trust of a clone. Knows nothing of what is compared with a signature.
"""
