"""Sets up a clone, and takes it down again: init, clone, unlock, lock, settings.

Owns what a clone's configuration, attributes and hooks must be; `hooks` is a package of its
own. Knows nothing of the command line: what a person should read is returned, or raised.
"""
