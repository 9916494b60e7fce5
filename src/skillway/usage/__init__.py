"""Who uses which skills, at what cost, and what the guard stopped: reports over the collector's store.

`report` makes the one value that table, `--json` and pages show; `values` says what stands in it. Receiving and
keeping events is `skillway.collector`'s part.
"""
