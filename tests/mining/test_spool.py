"""Records come back as they were, in order and by number."""

from __future__ import annotations

import pytest

from searchkbd.mining.spool import Spool

RECORDS = [{"a": "Псыр\tщIыIэщ.\n"}, {"b": [1, None, {"c": "«ӏ»"}]}, {}]


def test_records_come_back():
    with Spool() as spool:
        for record in RECORDS:
            spool.append(record)
        assert len(spool) == 3 and list(spool) == RECORDS
        # Looking one up while going through them all disturbs nothing.
        assert [(record, spool[0]) for record in spool] == [(r, RECORDS[0]) for r in RECORDS]
        assert spool[2] == {}
        with pytest.raises(IndexError):
            spool[3]
