"""Policies that play offloading, a file each."""
