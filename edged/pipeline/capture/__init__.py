"""The capture stage of each camera: keeps its frame ring fresh, and opens a lost camera again."""
