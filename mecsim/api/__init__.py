"""What `mecsim.train`, `sweep`, `choose` and `simulate` do: the commands of these names, with objects as results.

Results are tables (`.frame()`, of polars), pictures (`.figure()`, of matplotlib), and show themselves in notebooks.
Nothing is imported before it is used: a simulation needs no library of learning.
"""
