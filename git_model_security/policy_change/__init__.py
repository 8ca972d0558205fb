"""Changes of the policy: `git model track` and `untrack`, planned first, then written.

Taking over a policy that came in is `setup.accept_policy`.
"""
