"""skillway: an organisation's Claude Code skills, run as a product. What authors and operators use."""

__version__ = "0.1.0"
