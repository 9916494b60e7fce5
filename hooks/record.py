"""Entry for other programs of this laptop, such as sync: keeps one record of an event.

    record.py NAME < attributes.json

The attributes are a JSON object. Says nothing and ends with 0, also when nothing was kept: telemetry is nobody's error.
"""

import sys

if sys.version_info >= (3, 9):
    sys.path.insert(0, __file__[: -len("record.py")])
    from record_run import main

    main()
