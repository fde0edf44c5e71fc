"""``python -m edged``: the same as the command ``edged``."""

from edged.cli import main

raise SystemExit(main())
