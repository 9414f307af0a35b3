"""What a key may do, asked when a profile is made."""

from __future__ import annotations

from typing import Final

import msgspec

from octopus_desktop.model.errors import RequestRefused
from octopus_desktop.venues.binance.messages import Account, KeyRestrictions
from octopus_desktop.venues.binance.rest import Rest

ACCOUNT_WEIGHT: Final = 20


class AccountPermissions(msgspec.Struct, frozen=True):
    """What the key may do. `can_withdraw` None: the venue doesn't say (test venues know no withdrawals)."""

    can_trade: bool
    can_withdraw: bool | None


async def permissions_of(rest: Rest) -> AccountPermissions:
    """Of the key that `rest` signs with. Raises VenueError."""
    try:
        rights = await rest.signed("GET", "/sapi/v1/account/apiRestrictions", KeyRestrictions, weight=1)
    except RequestRefused as error:
        if error.code != -404:
            raise
        account = await rest.signed("GET", "account", Account, weight=ACCOUNT_WEIGHT)
        return AccountPermissions(account.canTrade, None)
    return AccountPermissions(rights.enableSpotAndMarginTrading, rights.enableWithdrawals)
