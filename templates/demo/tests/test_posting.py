import unittest

from ledger.posting import Entry, balance, post, reverse


class Posting(unittest.TestCase):
    def setUp(self):
        self.entries = post((), Entry("cash", "sales", 1205, "two books"))

    def test_a_posted_entry_is_in_the_ledger(self):
        assert self.entries == (Entry("cash", "sales", 1205, "two books"),)

    def test_an_amount_that_is_not_positive_is_refused(self):
        with self.assertRaises(ValueError):  # noqa: PT027 - the project needs nothing but Python
            post(self.entries, Entry("cash", "sales", 0))

    def test_a_balance_is_what_came_in_less_what_went_out(self):
        entries = post(self.entries, Entry("rent", "cash", 1000))
        assert balance(entries, "cash") == 205

    def test_a_reversed_entry_leaves_the_balance_as_it_was(self):
        entries = reverse(self.entries, 0)
        assert [balance(entries, account) for account in ("cash", "sales")] == [0, 0]
        assert entries[-1].text == "takes back: two books"
