"""Speeds: engines, training, single decisions."""
