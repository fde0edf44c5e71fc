"""``python -m edged`` is the command ``edged``."""

from edged.cli import main

raise SystemExit(main())
