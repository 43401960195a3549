"""Laws of the system, a phenomenon a file: arrays in, arrays out, nothing random of their own."""
