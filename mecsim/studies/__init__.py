"""The frame of experiments."""
