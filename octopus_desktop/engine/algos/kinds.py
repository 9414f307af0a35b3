"""Which code works which spec."""

from __future__ import annotations

from typing import Any, Final

from octopus_desktop.engine.algos.bracket import BracketWork
from octopus_desktop.engine.algos.chase import ChaseWork
from octopus_desktop.engine.algos.good_till_date import GoodTillDateWork
from octopus_desktop.engine.algos.iceberg import IcebergWork
from octopus_desktop.engine.algos.oco import OcoWork
from octopus_desktop.engine.algos.scale import ScaleWork
from octopus_desktop.engine.algos.trailing_stop import TrailingStopWork
from octopus_desktop.engine.algos.twap import TwapWork
from octopus_desktop.engine.algos.work import Work

_ALL: Final[tuple[type[Work[Any]], ...]] = (
    BracketWork,
    ChaseWork,
    GoodTillDateWork,
    IcebergWork,
    OcoWork,
    ScaleWork,
    TrailingStopWork,
    TwapWork,
)
KINDS: Final = {work.spec_type: work for work in _ALL}
