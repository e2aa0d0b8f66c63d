"""What everything that goes out has in common."""

from pydantic import BaseModel, ConfigDict


class Out(BaseModel):
    """What goes out."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelRefOut(Out):
    """Which model answered, and what it must not be used for."""

    version: str
    sha256: str
    synthetic: bool | None
    notice: str
