"""Receives telemetry over OTLP/HTTP and keeps it in one SQLite file; what it says is `skillway.usage`'s part.

`server` speaks HTTP, `body` and `decode` turn a request into rows, `writer` commits them and `store` is the file.
"""
