"""What is random about offloading, a phenomenon a file, and the tapes that come of it."""
