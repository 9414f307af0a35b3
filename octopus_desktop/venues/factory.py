"""The clients of a profile's venue."""

from __future__ import annotations

from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.errors import ProfileError
from octopus_desktop.model.profile import Dialect, Profile, VenueUrls
from octopus_desktop.ports import ExecutionClient, MarketDataClient
from octopus_desktop.venues.binance.execution import BinanceExecution
from octopus_desktop.venues.binance.host import Host, host_of
from octopus_desktop.venues.binance.permissions import AccountPermissions, permissions_of
from octopus_desktop.venues.binance.product import SPOT, USDM, Product
from octopus_desktop.venues.binance.rest import Rest
from octopus_desktop.venues.binance.signing import Signer
from octopus_desktop.venues.binance.stream import BinanceMarketData

_PRODUCTS = {Dialect.BINANCE_SPOT: SPOT, Dialect.BINANCE_USDM: USDM}


def market_data_client(profile: Profile, urls: VenueUrls) -> MarketDataClient:
    product, host = _venue(profile, urls)
    return BinanceMarketData(profile.venue, product, Rest(urls.rest, product, host), host, urls.stream)


def execution_client(profile: Profile, urls: VenueUrls, credentials: Credentials) -> ExecutionClient:
    """Raises ProfileError where the venue's orders are not supported, or the key cannot be read."""
    rest, signer = _signed(profile, urls, credentials)
    return BinanceExecution(profile.venue, rest, rest.host, signer, urls)


def why_no_account(profile: Profile) -> str | None:
    """Why not even a key would open an account at this profile's venue; None where one does."""
    if profile.dialect is Dialect.BINANCE_SPOT:
        return None
    return f"{_PRODUCTS[profile.dialect].name} are market data only here; orders need a spot profile."


async def account_permissions(profile: Profile, urls: VenueUrls, credentials: Credentials) -> AccountPermissions:
    """What the venue says the key may do. Raises VenueError, and ProfileError as `execution_client` does."""
    rest, _ = _signed(profile, urls, credentials)
    try:
        return await permissions_of(rest)
    finally:
        await rest.close()


def _signed(profile: Profile, urls: VenueUrls, credentials: Credentials) -> tuple[Rest, Signer]:
    product, host = _venue(profile, urls)
    unable = why_no_account(profile)
    if unable is not None:
        raise ProfileError(unable)
    signer = Signer(credentials)
    return Rest(urls.rest, product, host, signer), signer


def _venue(profile: Profile, urls: VenueUrls) -> tuple[Product, Host]:
    product = _PRODUCTS[profile.dialect]
    return product, host_of(urls.rest, profile.venue, product)
