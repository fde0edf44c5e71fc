"""How well edged decides between states; see ``scripts/quality``."""
