"""One HTML page that shows sweeps: fronts, preferences, episodes, learning, with everything it needs inside."""
