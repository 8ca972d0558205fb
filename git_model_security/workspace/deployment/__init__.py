"""Deploy clones: nothing is written that no verified tree holds (docs/DEPLOY.md)."""
