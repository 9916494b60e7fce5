"""The laptop program: keeps the plugins on this laptop equal to the release that the organisation published.

This package imports nothing else of the project and needs no third-party library but python-tuf. The
formats that cross the store (plugin manifest, archive, release document) are defined here, by their reader.
"""

__version__ = "0.1.0"
