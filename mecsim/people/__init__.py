"""People who ask for service: who they are, what they ask for and when, and how satisfied they are."""
