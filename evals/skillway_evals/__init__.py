"""The eval runner's package. Empty so far: no skill has evidence yet, and nothing here claims otherwise."""
