"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "journal",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("ts_ns", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("client_order_id", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
    )
    op.create_index("journal_by_order", "journal", ["client_order_id"])
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER journal_no_{act.lower()} BEFORE {act} ON journal "
            "BEGIN SELECT RAISE(ABORT, 'the order journal is append-only'); END"
        )
    op.create_table(
        "orders",
        sa.Column("client_order_id", sa.Text, primary_key=True),
        sa.Column("venue_order_id", sa.Text),
        sa.Column("instrument_id", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("tif", sa.Text, nullable=False),
        sa.Column("quantity", sa.Text, nullable=False),
        sa.Column("quote_quantity", sa.Text),
        sa.Column("price", sa.Text),
        sa.Column("trigger_price", sa.Text),
        sa.Column("reduce_only", sa.Boolean, nullable=False),
        sa.Column("adopted", sa.Boolean, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("filled_quantity", sa.Text, nullable=False),
        sa.Column("filled_notional", sa.Text, nullable=False),
        sa.Column("created_ns", sa.Integer, nullable=False),
        sa.Column("updated_ns", sa.Integer, nullable=False),
    )
    op.create_table(
        "fills",
        sa.Column("instrument_id", sa.Text, primary_key=True),
        sa.Column("trade_id", sa.Text, primary_key=True),
        sa.Column("side", sa.Text, primary_key=True),
        sa.Column("client_order_id", sa.Text, nullable=False),
        sa.Column("venue_order_id", sa.Text, nullable=False),
        sa.Column("price", sa.Text, nullable=False),
        sa.Column("quantity", sa.Text, nullable=False),
        sa.Column("fee", sa.Text, nullable=False),
        sa.Column("fee_asset", sa.Text, nullable=False),
        sa.Column("is_maker", sa.Boolean, nullable=False),
        sa.Column("ts_venue_ns", sa.Integer, nullable=False),
    )
    op.create_index("fills_by_time", "fills", ["ts_venue_ns"])
    op.create_table(
        "balances_history",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("ts_ns", sa.Integer, nullable=False),
        sa.Column("venue", sa.Text, nullable=False),
        sa.Column("asset", sa.Text, nullable=False),
        sa.Column("free", sa.Text, nullable=False),
        sa.Column("locked", sa.Text, nullable=False),
    )
    op.create_index("balances_by_time", "balances_history", ["ts_ns"])
    op.create_table(
        "candle_chunks",
        sa.Column("instrument_id", sa.Text, primary_key=True),
        sa.Column("interval", sa.Text, primary_key=True),
        sa.Column("start_ns", sa.Integer, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("data", sa.BLOB, nullable=False),
    )
    for name in ("settings", "meta"):
        op.create_table(
            name,
            sa.Column("key", sa.Text, primary_key=True),
            sa.Column("value", sa.Text, nullable=False),
        )
    op.create_table(
        "log",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("ts_ns", sa.Integer, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
