"""git-model: AI models encrypted and signed in ordinary Git repositories."""

__version__ = "0.1.0"
