"""mecsim docs: read the documentation, without a network."""

import sys
import tempfile
import webbrowser
from pathlib import Path

import click

from mecsim.cli.options import force_option, output_folder
from mecsim.errors import InputError, MecsimError


@click.command()
@click.argument("page", required=False, metavar="[PAGE]")
@click.option("--list", "as_list", is_flag=True, help="List the pages by the names that PAGE can have.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write all pages as HTML to a new folder.")
@force_option
def docs(page: str | None, as_list: bool, out: Path | None, force: bool) -> None:
    """Open the documentation in a browser, or show PAGE in the terminal.

    Without a browser the pages are listed.
    """
    from mecsim.cli.reference import reference_pages
    from mecsim.report.handbook import HTML_ENTRIES, HTML_FIRST, by_name, listed, pages, write_html
    from mecsim.schema.words import nearest

    found = pages({})
    if not found:
        raise MecsimError("this installation of mecsim has no pages; install it from its wheel or its repository")
    name = page.removesuffix(".md").lower() if page is not None else None
    if name not in by_name(found):  # the pages that the program tells take it seconds to gather
        found = pages(reference_pages())
    if name is not None:
        names = by_name(found)
        if name not in names:
            raise InputError(f"docs: no page is called {page}, {nearest(name, names)} (mecsim docs --list)")
        _show(found[names[name]])
        return
    if out is not None:
        folder = output_folder(out, HTML_ENTRIES, HTML_FIRST, force)
        click.echo(f"wrote {write_html(found, folder)}")
        return
    browser = None if as_list or not _on_terminal() else _browser()
    if browser is not None:
        first = write_html(found, Path(tempfile.mkdtemp(prefix="mecsim-docs-")))
        click.echo(f"opening {first}; a page in the terminal: mecsim docs quickstart")
        browser.open(first.as_uri())
        return
    entries = listed(found)
    width = max(len(name) for name, _ in entries)
    for name, title in entries:
        click.echo(f"{name:<{width}}  {title}")
    click.echo("read one: mecsim docs quickstart")


def _browser() -> webbrowser.BaseBrowser | None:
    try:
        return webbrowser.get()
    except webbrowser.Error:
        return None


def _on_terminal() -> bool:
    return sys.stdout.isatty()


def _show(text: str) -> None:
    """A page as text, of the width of the terminal; what is no terminal gets its Markdown."""
    if not _on_terminal():
        click.echo(text, nl=False)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    with console.pager(styles=True):
        console.print(Markdown(text, hyperlinks=False))
