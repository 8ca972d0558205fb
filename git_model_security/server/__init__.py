"""A bare repository that people push to: its guard is set up, taken out, looked at.

Owns its configuration and its hook (docs/SERVER.md). Needs no key.
"""
