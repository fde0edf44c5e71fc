"""The service: the daemon around the pipeline, and all that belongs to it."""
