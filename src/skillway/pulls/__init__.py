"""Are the descriptions of an organisation's pull requests getting better, and which ones went past the program?

`history` collects pull requests, `scores` and `judging` say how good a description is, `trend` says whether that
changed, `audit` counts what was created without the program.
"""
