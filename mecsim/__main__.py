"""`python -m mecsim`."""

from mecsim.cli import main

main()
