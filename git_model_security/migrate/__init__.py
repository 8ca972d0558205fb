"""`git model migrate`: all history anew, with ciphertext where plaintext was.

`plan` decides and writes nothing; `run` carries it out in steps, each of which can be
killed and done again; `purge` removes what is left of the old history. What a commit
becomes is `rewriting`, a function of its entries alone. docs/MIGRATION.md.
"""
