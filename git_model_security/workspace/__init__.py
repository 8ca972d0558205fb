"""Work on a clone: set it up, unlock and lock it, sign and verify its content.

Knows nothing of the command line: what a person should read is returned, or
raised as an `Error`.
"""
