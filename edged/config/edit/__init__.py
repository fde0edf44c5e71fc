"""Changes of a configuration's text: values are set and removed, and everything else stays as a person wrote it."""
