"""How built plugins become a signed release in a store that any static web server can serve.

Trust is TUF's (https://theupdateframework.github.io/specification/latest/), made with python-tuf; this package
decides what is signed, by which key, and in which order it is written. How plugins are built is
`skillway.build`'s question; how a laptop reads the store is `skillway_sync`'s.
"""
