"""The forms of a batch's file: their media types, who reads them, and their templates."""

import csv
from collections.abc import Callable, Mapping

from verify_service.bootstrap import shipped_folder
from verify_service.bulk import parquet_table
from verify_service.bulk.arrow import is_installed
from verify_service.bulk.csv_form import CsvReader
from verify_service.bulk.household import Reader
from verify_service.bulk.ndjson_form import NdjsonReader
from verify_service.bulk.output import workbook
from verify_service.bulk.parquet_form import ParquetReader
from verify_service.bulk.xlsx_form import XlsxReader
from verify_service.storage.batch_records import FileForm

MEDIA_TYPES: Mapping[FileForm, str] = {
    "ndjson": "application/x-ndjson",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
READERS: Mapping[FileForm, Callable[[], Reader]] = {
    "ndjson": NdjsonReader,
    "csv": CsvReader,
    "xlsx": XlsxReader,
    "parquet": ParquetReader,
}
BY_MEDIA_TYPE: Mapping[str, FileForm] = {media: form for form, media in MEDIA_TYPES.items()}


def offers(first: FileForm) -> list[str]:
    """Return the media types of what can be given here, one before the others."""
    others = [form for form in MEDIA_TYPES if form != first]
    return [MEDIA_TYPES[form] for form in (first, *others) if form != "parquet" or is_installed()]


def template(form: FileForm) -> bytes:
    """Return a file that is accepted as it stands: the long form, and one invented household to replace. Raises ExtraNotInstalled."""
    if form == "csv":
        return _long_form()
    if form == "xlsx":
        return workbook(csv.reader(_long_form().decode().splitlines()))
    if form == "parquet":
        header, *lines = csv.reader(_long_form().decode().splitlines())
        return parquet_table.whole(header, lines)
    return (shipped_folder("examples") / "batch.ndjson").read_bytes().splitlines(keepends=True)[0]


def _long_form() -> bytes:
    """Return the first household of the example, with the header."""
    lines = (shipped_folder("examples") / "batch.csv").read_bytes().splitlines(keepends=True)
    first = lines[1].split(b",")[0]
    return b"".join([lines[0], *(line for line in lines[1:] if line.split(b",")[0] == first)])
