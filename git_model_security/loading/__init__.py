"""Weights out of ciphertext into memory: no plaintext file, and never a pickle.

`encrypted_file` opens one envelope; each loader stands in the module that is named as the
library whose objects it returns, and imports that library, which is an optional extra.
"""
