"""The page: cameras, regions and states live in a browser. A process beside the daemon, started with ``edged page``."""
