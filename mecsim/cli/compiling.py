"""What a user sees while kernels are compiled: a spinner, or a line where there is no terminal."""

from typing import TYPE_CHECKING

from mecsim.cli.terminal import error_console

if TYPE_CHECKING:
    from rich.status import Status

NOTE = "compiling for this machine, once: 10 to 30 s"


class CompilingNote:
    """Watches kernels; use as a context, so that no spinner is left."""

    def __init__(self) -> None:
        self._status: Status | None = None
        self._told = False
        self._at_work = 0

    def __call__(self, kernel: str, done: bool) -> None:
        """A kernel begins to be compiled, or is ready."""
        self._at_work += -1 if done else 1
        if done and self._at_work == 0:
            self.stop()
        if not done and self._status is None:
            self._show()

    def _show(self) -> None:
        from rich.errors import LiveError

        console = error_console()
        if console.is_terminal:
            self._status = console.status(NOTE)
            try:
                self._status.start()
            except LiveError:  # a bar moves already
                self._status = None
        elif not self._told:
            console.print(NOTE, highlight=False, soft_wrap=True)
        self._told = True

    def stop(self) -> None:
        """Show nothing any more."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def __enter__(self) -> "CompilingNote":
        """Nothing is shown before a kernel is compiled."""
        return self

    def __exit__(self, *error: object) -> None:
        """A failure, too, ends the spinner."""
        self.stop()
