"""Picture files: listed, checked by their headers, decoded within limits, and written as PNG."""
