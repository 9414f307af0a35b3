import random
import sys
from pathlib import Path

import pytest

from tests.faults import kill9

MOMENTS = 5


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.xdist_group("exchange")
def test_killed_while_it_trades(tmp_path: Path) -> None:
    """The real process dies at any moment: the next start knows every order, fill, position and balance."""
    assert kill9.run(MOMENTS, tmp_path, random.Random(9)) == []


def test_the_comparison_would_notice() -> None:
    """An order nobody here knows, a fill missing, a balance off: each is told."""
    order = {"clientOrderId": "od-1", "orderId": 7, "status": "NEW", "executedQty": "1"}
    truth = {
        "orders": [order],
        "trades": [
            {"id": 3, "symbol": "A", "qty": "1", "isBuyer": True, "commission": "0.001", "commissionAsset": "BNB"}
        ],
        "balances": {"BNB": {"free": "1", "locked": "0"}},
    }
    nothing: dict[str, object] = {"orders": {}, "fills": [], "positions": {}, "balances": {}}
    found = kill9.compare(nothing, truth, {"od-2"})
    assert [line.split(":")[0] for line in found] == ["lost", "lost", "fills", "position", "balance"]
