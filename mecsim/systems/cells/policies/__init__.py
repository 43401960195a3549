"""Policies that play cells, a file each, and the snapshots that some of them solve."""
