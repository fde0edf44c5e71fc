"""The sections of the configuration as frozen values, with every default; and the types of their settings."""
