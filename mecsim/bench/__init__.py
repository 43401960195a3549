"""Speeds: engines, alone and beside busy cores, training, single decisions, commands; what became slower."""
