"""Every setting, with its unit, its default and the reason of the default.

Sources, the later wins: defaults, the TOML file named by --config, environment variables
`GATEWAY_…` (nested with two underscores), the command line. Only `__main__`, `cli` and `app`
read this module; everything else receives values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


class RuleSwitch(BaseModel):
    """One override of a rule, for a mode and a port (customsCode) or for all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: str
    mode: str | None = None
    customsCode: str | None = None  # noqa: N815 - the official element name
    enabled: bool | None = None
    tolerance: str | None = None


class Derivation(BaseModel):
    """What the field tables leave to judgement when an inventory is derived."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    freight_owner: Literal["waybill", "order"] = "waybill"
    """Whose freight is declared where a difference is tolerated."""
    gname_owner: Literal["order", "goods"] = "order"
    """Whose goods name is declared where a difference is tolerated."""
    kilogram_from_net_weight: bool = True
    """A statutory unit of 035 (kg) takes the net weight of the row, not quantity x factor."""
    profile_completes_shipment: bool = False
    """Whether customsCode and portCode of the profile do for a shipment that lacks them."""
    tolerated_fields: frozenset[str] = frozenset()
    """Official field names in which sources may differ; the owner's value is then declared."""


class Settings(BaseSettings):
    """The settings of one gateway process."""

    model_config = SettingsConfigDict(
        env_prefix="GATEWAY_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )

    data: Path = Path("data")
    """Folder of the embedded store, the data key and the lock."""
    database_url: SecretStr | None = None
    """Empty: SQLite in the data folder. PostgreSQL: postgresql+psycopg://user@host/name."""
    database_writers: int | None = Field(default=None, gt=0, le=64)
    """Transactions that write at once; empty: 4 on PostgreSQL. SQLite has one in any case."""
    database_statement_seconds: float = Field(default=30, gt=0)
    """PostgreSQL ends a statement that takes longer."""
    database_lock_seconds: float = Field(default=5, gt=0)
    """PostgreSQL ends a statement that waits longer for a row; the transaction is run again."""
    database_idle_seconds: float = Field(default=60, gt=0)
    """PostgreSQL ends a transaction in which nothing happens for so long."""
    database_reconnect_seconds: float = Field(default=10, gt=0)
    """How long a transaction waits for a PostgreSQL that is away, before its caller hears of it."""
    amqp_url: SecretStr | None = None
    """RabbitMQ, as amqp:// or amqps:// with user, password and vhost. Empty: the local broker."""
    amqp_prefix: str = Field(default="gateway", pattern=r"^[a-z0-9_.-]{1,64}$")
    """Begins the name of every exchange and queue, so that gateways may share a vhost."""
    data_key: SecretStr | None = None
    """Base64 of 32 bytes; empty: the file data.key in the data folder, made once with mode 0600."""
    host: str = "127.0.0.1"
    """Address to listen on. Other than loopback only behind a proxy that ends TLS."""
    port: int = Field(default=8080, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """What is written to stderr."""
    wire_folder: Path | None = None
    """Write the exact bytes of every transmission and receipt here. They hold personal data."""

    customs_url: str = "http://127.0.0.1:8090/dxp"
    """Where DxpMsg envelopes for customs are posted."""
    customs_receiver_import: str = "DXPEDCCEB0000002"
    """Seen in public code, in no official text: so a setting."""
    customs_receiver_export: str = "DXPEDCCEB0000003"
    """As above, for export."""
    customs_success_code: str = "0000"
    """The ResponseCode of a DxpRep that means taken; no official text names it."""

    linger_seconds: float = Field(default=1.0, ge=0)
    """How long a document waits for others of its signing group (production: 0.05)."""
    connect_timeout_seconds: float = Field(default=5, gt=0)
    """Longest wait for a connection to the authority."""
    read_timeout_seconds: float = Field(default=20, gt=0)
    """Longest wait between two reads of its answer."""
    total_timeout_seconds: float = Field(default=30, gt=0)
    """Longest time of one transmission in all."""
    connections_max: int = Field(default=16, gt=0)
    """Connections to the authority that are kept."""
    answer_wait_seconds: float = Field(default=1800, gt=0)
    """After a transmission, until the same bytes go again when no receipt has come."""
    unknown_wait_seconds: float = Field(default=60, gt=0)
    """After a lost answer, until the same bytes go again."""
    attempts_overdue: int = Field(default=3, gt=0)
    """After so many attempts without an answer the message is a discrepancy."""
    attempts_max: int = Field(default=12, gt=0)
    """After so many attempts of a transmitted message nothing is sent any more by itself."""
    send_poll_seconds: float = Field(default=1, gt=0)
    """How often due messages are looked for when nothing wakes the sender."""
    sweep_seconds: float = Field(default=1, gt=0)
    """How often the outbox is swept for batches that were not handed over."""
    clock_tolerance_seconds: float = Field(default=5, ge=0)
    """How far the authority's clock may be behind ours when a receipt is given to a version."""

    collecting_wait_seconds: float = Field(default=172_800, gt=0)
    """How long a consignment may lack a document before it is a discrepancy (2 days)."""
    closing_wait_seconds: float = Field(default=604_800, gt=0)
    """How long a declared consignment may stay open before it is a discrepancy (7 days)."""
    lateness_poll_seconds: float = Field(default=10, gt=0)
    """How often late consignments are looked for."""

    records_max: int = Field(default=1000, gt=0)
    """Records of one body."""
    body_bytes_max: int = Field(default=8_388_608, gt=0)
    """Bytes of one body."""
    requests_max: int = Field(default=256, gt=0)
    """Requests worked on at once; more are answered 503."""
    backlog_max: int = Field(default=2000, gt=0)
    """Batches that may wait for the broker before intake answers 503."""

    rules: tuple[RuleSwitch, ...] = ()
    """Rules switched on or off, or given another tolerance, for a mode and a port:
    {rule, mode?, customsCode?, enabled?, tolerance?}."""
    derivation: Derivation = Derivation()
    """How an inventory is derived where the tables leave it to judgement."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line, environment, file; no .env file is read behind anyone's back."""
        del dotenv_settings, file_secret_settings
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))

    @property
    def url(self) -> str:
        """The address of the store."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data / 'gateway.sqlite'}"


def load_settings(config: Path | None, **given: object) -> Settings:
    """The settings from all sources; raises pydantic's ValidationError with every mistake."""

    class _WithFile(Settings):
        model_config = SettingsConfigDict(**{**Settings.model_config, "toml_file": config})

    chosen = {name: value for name, value in given.items() if value is not None}
    return _WithFile(**chosen)  # type: ignore[arg-type]
