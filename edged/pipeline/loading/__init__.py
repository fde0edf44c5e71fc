"""Models, references, event rules and keys that a configuration asks for, read for the stages."""
