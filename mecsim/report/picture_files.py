"""Names of the files of pictures, apart from what draws them, which is slow to import."""

from collections.abc import Iterable


def figure_files(names: Iterable[str]) -> tuple[str, ...]:
    """The files that `save_figure` writes for figures of these names."""
    return tuple(f"{name}.{ending}" for name in names for ending in ("png", "svg"))
