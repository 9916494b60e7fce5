"""How does it look in a browser? Self-contained HTML pages: the frame, its parts, charts, and the pages themselves.

`frame.page` puts sections into one file without any request to the network; `parts` makes tables and tiles, `charts`
makes charts with their table, `markup` escapes. What the numbers are is for `skillway.usage`, `skillway.catalog` and
whoever else draws a page.
"""
