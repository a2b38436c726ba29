import unittest

from ledger.posting import Entry
from ledger.statement import amount, statement


class Statement(unittest.TestCase):
    def test_an_amount_has_two_decimals_and_its_sign(self):
        assert [amount(cents) for cents in (1205, -1205, 5, 0)] == ["12.05", "-12.05", "0.05", "0.00"]

    def test_a_statement_lists_the_entries_of_the_account(self):
        entries = (Entry("cash", "sales", 1205, "two books"), Entry("rent", "cash", 1000, "June"))
        assert statement(entries, "cash") == ["12.05 two books", "-10.00 June"]
        assert statement(entries, "rent") == ["10.00 June"]
