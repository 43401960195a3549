"""From a tape and actions to times, costs and observations: SimPy as the definition, Numba for speed."""
