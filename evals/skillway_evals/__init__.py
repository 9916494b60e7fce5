"""The eval runner: which skills have passing evidence. Its own issue fills it."""
