"""Bad input: nothing is lost, nothing leaks, and the message helps."""
