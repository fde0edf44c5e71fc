"""The daemon around the pipeline."""
