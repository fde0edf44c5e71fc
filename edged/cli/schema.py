"""``edged schema``: the JSON Schema of the configuration."""
