"""The state of a clone, for `git model status` and `git model doctor`.

`state` tells of files and of the signature of HEAD, `health` of the set-up. Both only look;
`health.mend` sets up once more.
"""
