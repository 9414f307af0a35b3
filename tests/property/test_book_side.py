from hypothesis import given
from hypothesis import strategies as st

from octopus_desktop.model.orderbook import BookSide

CHANGES = st.lists(
    st.one_of(
        st.none(), st.lists(st.tuples(st.integers(1, 60).map(float), st.sampled_from([0.0, 1.0, 2.5])), max_size=9)
    ),
    max_size=40,
)


@given(st.lists(st.integers(1, 60).map(float)), CHANGES)
def test_a_look_at_any_moment_sees_the_prices_in_order(start: list[float], changes: list[object]) -> None:
    """Whether one looks after every change or only at the end, the levels are those that stand, from low to high."""
    looked_at, plain = BookSide(), BookSide()
    for side in (looked_at, plain):
        side.replace((price, 1.0) for price in start)
    expected = dict.fromkeys(start, 1.0)
    for change in changes:
        if change is None:
            assert looked_at.prices == sorted(expected)
            continue
        assert isinstance(change, list)
        for price, quantity in change:
            if quantity:
                expected[price] = quantity
            else:
                expected.pop(price, None)
        looked_at.update(change)
        plain.update(change)
    assert looked_at.prices == plain.prices == sorted(expected)
    assert looked_at.quantities == plain.quantities == expected
