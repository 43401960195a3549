"""How results show themselves in notebooks."""

import base64
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure


class Shown:
    """What has a picture and a table: notebooks show both."""

    def figure(self) -> "Figure":
        """Its picture."""
        raise NotImplementedError

    def table(self) -> "pl.DataFrame":
        """Its main numbers, as few rows."""
        raise NotImplementedError

    def _repr_png_(self) -> bytes:
        """The picture as a file."""
        file = BytesIO()
        self.figure().savefig(file, format="png", dpi=100)
        return file.getvalue()

    def _repr_html_(self) -> str:
        """The picture, and the table below it."""
        picture = base64.b64encode(self._repr_png_()).decode()
        return f'<img alt="{type(self).__name__}" src="data:image/png;base64,{picture}">{self.table()._repr_html_()}'
