"""How much of a sent signal arrives, and what a link then carries."""
