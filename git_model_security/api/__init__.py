"""What programs call: models without Git, repositories, and weights once they are verified.

The functions take what the commands of the same names take, raise what the commands say as
errors (`git_model_security.Error`), and print nothing. docs/API.md has examples.
"""
