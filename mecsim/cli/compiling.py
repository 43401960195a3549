"""What a user sees while kernels are compiled: a bar of its own, or a line where there is no terminal."""

from mecsim.cli.terminal import Bar, error_console

NOTE = "compiling for this machine, once: 10 to 30 s"


class CompilingNote:
    """Watches kernels; use as a context, so that no bar is left."""

    def __init__(self) -> None:
        self._bar: Bar | None = None
        self._told = False
        self._at_work = 0

    def __call__(self, kernel: str, done: bool) -> None:
        """A kernel begins to be compiled, or is ready."""
        self._at_work += -1 if done else 1
        if done and self._at_work == 0:
            self.stop()
        if not done and self._bar is None:
            self._show(kernel)

    def _show(self, kernel: str) -> None:
        if not self._told:
            error_console().print(NOTE, highlight=False, soft_wrap=True)
            self._told = True
        self._bar = Bar(f"compiling {kernel}").__enter__()

    def stop(self) -> None:
        """Show nothing any more."""
        if self._bar is not None:
            self._bar.__exit__()
            self._bar = None

    def __enter__(self) -> "CompilingNote":
        """Nothing is shown before a kernel is compiled."""
        return self

    def __exit__(self, *error: object) -> None:
        """A failure, too, ends the bar."""
        self.stop()
