"""The values of the chain: the same from one key however often it is used."""

import hashlib
import hmac
import struct

from hypothesis import given
from hypothesis import strategies as st

from fillbridge.journal import chain

keys = st.binary(min_size=1, max_size=100)
places = st.integers(-(2**63), 2**63 - 1)


@given(keys, st.lists(st.tuples(places, places, st.binary(max_size=200)), max_size=5))
def test_links_of_one_key_are_those_of_each_time(key, rows):
    links, one, other = chain.Links(key), b"before", b"before"
    for seq, wall_ns, payload in rows:
        said = one + struct.pack(">qq", seq, wall_ns) + payload
        assert chain.link(key, one, seq, wall_ns, payload) == hmac.digest(key, said, hashlib.sha256)
        one = chain.link(key, one, seq, wall_ns, payload)
        other = links.link(other, seq, wall_ns, payload)
        assert one == other


def test_another_key_makes_other_links():
    assert chain.Links(b"a").link(b"", 1, 2, b"") != chain.Links(b"b").link(b"", 1, 2, b"")
