"""A practice's whole client list, and malicious files."""

from __future__ import annotations

from tests.ignition.support import ImportedStore
from tests.support.profile import count
from xpm_tui.ignition.parser import parse

ROWS = count(1_000, 100_000)
HEAD = "Client ID,Contact ID,Client Name,Contact Name,Contact Email,Phone,Address,City,Tag\n"


def big(city: str = "Auckland") -> str:
    return HEAD + "".join(
        f"{at // 2},{at},Client {at // 2} [/] Ltd,Person {at},p{at}@x.nz,09 {at // 2},"
        f'"{at // 2} High St\nFloor 2",{city},t\n'
        for at in range(ROWS)
    )


def test_every_row_of_a_large_file_is_taken_once() -> None:
    imported = ImportedStore()
    plan = imported.load(big())
    assert (plan.counts["new"], plan.counts["contacts"], plan.counts["refused"]) == (ROWS // 2, ROWS, 0)
    assert imported.load(big()).groups == ()
    plan = imported.load(big("Dunedin"))
    assert (plan.counts["cells"], plan.counts["changed"]) == (ROWS // 2, ROWS // 2)
    assert imported.undo().counts == {"removed": 0, "restored": ROWS // 2, "left": 0}
    assert {client.city for client in imported.clients()} == {"Auckland"}


def test_a_quote_opened_in_every_row_costs_those_rows_only() -> None:
    lines = [
        f'{at},,"Client {at},P,p{at}@x.nz,,,,\n' if at % 2 else f"{at},,C {at},P,p{at}@x.nz,,,,\n"
        for at in range(ROWS)
    ]
    parsed = parse((HEAD + "".join(lines)).encode(), "clients")
    assert [row.number for row in parsed.rows] == [at + 2 for at in range(0, ROWS, 2)]
    assert len(parsed.refused) == ROWS // 2


def test_a_file_that_is_one_open_quote_is_read_in_one_go() -> None:
    text = HEAD + '1,,A,"' + "x,\n" * ROWS
    parsed = parse(text.encode(), "clients")
    assert len(parsed.refused) == ROWS
