"""The table of API keys."""

import datetime as dt

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from service.store.types import Base, Document, UtcDateTime


class ApiKeyRow(Base):
    """A key; revoked ones stay, since the audit log names them. `centres` is null for every centre."""

    __tablename__ = "api_key"

    key_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(60))
    roles: Mapped[list[str]] = mapped_column(Document)
    centres: Mapped[list[str] | None] = mapped_column(Document)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
