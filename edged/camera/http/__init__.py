"""A small web client for streams that never end: every wait has a limit and can be ended from another thread."""
