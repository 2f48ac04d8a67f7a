"""Cells of typed files as the text that CSV would have: what a workbook or a Parquet column holds is read as it is meant."""

from datetime import date, datetime
from decimal import Decimal


def text(cell: object) -> str:
    """Return a cell as text; a floating number of more than 15 digits is written as what has become of it."""
    match cell:
        case bool():
            return "true" if cell else "false"
        case float():
            return f"{cell:.0f}" if cell.is_integer() and abs(cell) < 1e15 else f"{cell:E}"
        case Decimal():
            return format(cell.normalize(), "f")
        case datetime() if (cell.hour, cell.minute, cell.second, cell.microsecond) == (0, 0, 0, 0):
            return cell.date().isoformat()
        case date():
            return cell.isoformat()
        case _:
            return "" if cell is None else str(cell)
