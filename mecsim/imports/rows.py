"""Rows of CSV files whose columns go by many names, and events of XML files that declare no entities."""

import csv
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

from mecsim.errors import InputError
from mecsim.imports.base import Found
from mecsim.schema.cells import number_of
from mecsim.schema.stamps import SECOND_NS, parse_stamp
from mecsim.schema.words import one_line

MAX_TEXT_BYTE, MAX_XML_BYTE = 2**28, 2**31  # of files that are held whole, and of those that are not; unpacked
SEPARATORS = (",", ";", "\t", "|")
UNREADABLE, DOUBLED = "a value that cannot be read", "a row that is there twice"
Row = Mapping[str, str]


def refuse(path: Path, told: str) -> NoReturn:
    """Raise InputError about a file."""
    raise InputError(one_line(f"{path}: {told}"))


def opened(path: Path) -> io.BufferedReader | gzip.GzipFile:
    """A file as bytes, unpacked if its name ends in .gz.

    Raises:
        InputError: it cannot be read.
    """
    try:
        if path.is_file():
            return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
        refuse(path, "is no file" if path.exists() else "no such file")
    except OSError as error:
        refuse(path, f"cannot be read: {error.strerror}")


def text_of(path: Path) -> str:
    """The text of a file, without a mark of the byte order.

    Raises:
        InputError: it cannot be read, or is no text.
    """
    try:
        with opened(path) as file:
            data = file.read(MAX_TEXT_BYTE + 1)
        if len(data) > MAX_TEXT_BYTE:
            refuse(path, f"larger than {MAX_TEXT_BYTE >> 20} MiB, expected a part of it")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        refuse(path, "is not UTF-8 text")
    except (OSError, EOFError):
        refuse(path, "cannot be unpacked")


class CsvRows:
    """The rows of a CSV file with a header, by our names of its columns."""

    def __init__(
        self,
        path: Path,
        wanted: Mapping[str, Sequence[str]],
        given: Mapping[str, str],
        headers: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """
        Args:
            path: the file.
            wanted: by our names, those that a column may have in the file, whatever the case of letters.
            given: the same, one each, as a user says.
            headers: names of the columns of files that have no header, by how their first row begins.

        Raises:
            InputError: it cannot be read, or lacks what the user names.
        """
        self.path = path
        text = text_of(path)
        first, _, rest = text.partition("\n")
        header = first.strip().lstrip("# ")
        separator = max(SEPARATORS, key=header.count)
        begins = header.partition(separator)[0].strip()
        if headers and begins in headers:
            header, rest = separator.join(headers[begins]), text
        self._rows = csv.reader(io.StringIO(rest, newline=""), delimiter=separator)
        try:
            self.names = [name.strip() for name in next(csv.reader([header], delimiter=separator), [])]
        except csv.Error as error:
            refuse(path, f"{error}, expected a CSV file")
        lowered = [name.lower() for name in self.names]
        self._place = {
            ours: lowered.index(found)
            for ours, names in wanted.items()
            if (found := next((name for name in names if name in lowered), None)) is not None
        }
        for ours, name in given.items():
            if ours not in wanted:
                refuse(path, f"--column {ours}: expected one of {', '.join(wanted)}")
            if name not in self.names:
                self._lacking(f"column {name!r} for {ours}")
            self._place[ours] = self.names.index(name)

    def __contains__(self, ours: str) -> bool:
        return ours in self._place

    def need(self, *ours: str) -> None:
        """Refuse a file that lacks a column, which InputError names with those that are there."""
        for name in ours:
            if name not in self._place:
                self._lacking(f"column for {name}")

    def _lacking(self, what: str) -> NoReturn:
        there = [name for name in self.names if len(name) <= 40 and name.isprintable()]
        shown = ", ".join(there[:12]) + (" and more" if len(there) > 12 else "")
        refuse(self.path, f"no {what}; the file has {shown or 'none'}; name it with --column OURS=THEIRS")

    def into(self, found: Found, doubles: bool = False) -> Iterator[Row]:
        """Each row, counted among those that were read; what a short one lacks is empty.

        One that is there twice, letter by letter, comes once, unless `doubles` are to be kept.
        """
        seen: set[tuple[str, ...]] = set()
        try:
            for row in self._rows:
                if not any(text.strip() for text in row):
                    continue
                found.rows += 1
                if not doubles and tuple(row) in seen:
                    found.dropped[DOUBLED] += 1
                    continue
                seen.add(tuple(row))
                yield {ours: row[place].strip() if place < len(row) else "" for ours, place in self._place.items()}
        except csv.Error as error:
            refuse(self.path, f"{error}, expected a CSV file")


def seconds(text: str) -> float:
    """A number of seconds, or those of a date and time since 1970; NaN for anything else."""
    stamp = parse_stamp(text)
    return number_of(text) if stamp is None else stamp.since_1970_ns / SECOND_NS


def elements(path: Path) -> Iterator[tuple[str, Mapping[str, str], str | None]]:
    """Elements of an XML file: name and attributes as one begins, with None; as it ends, its own text.

    Raises:
        InputError: it cannot be read, is no XML, or declares a document type, whose entities might grow without bound.
    """
    found: list[tuple[str, Mapping[str, str], str | None]] = []
    texts: list[list[str]] = []
    read_byte = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        texts.append([])
        found.append((_local(name), attributes, None))

    def end(name: str) -> None:
        found.append((_local(name), {}, "".join(texts.pop()).strip()))

    def declared(*_: Any) -> None:
        refuse(path, "declares a document type, expected plain XML without entities")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = lambda text: texts[-1].append(text) if texts else None
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = declared
    try:
        with opened(path) as file:
            while chunk := file.read(2**20):
                read_byte += len(chunk)
                if read_byte > MAX_XML_BYTE:
                    refuse(path, f"larger than {MAX_XML_BYTE >> 30} GiB, expected a part of it")
                parser.Parse(chunk, False)
                yield from found
                found.clear()
        parser.Parse(b"", True)
        yield from found
    except expat.ExpatError as error:
        refuse(path, f"is no XML: {error}")
    except (OSError, EOFError):
        refuse(path, "cannot be unpacked")


def _local(name: str) -> str:
    """Without the prefix of its name space."""
    return name.rpartition(":")[2]
