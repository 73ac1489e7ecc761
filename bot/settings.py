"""Settings, read from ``BOT_…`` environment variables; an unknown one is an error."""

from __future__ import annotations

import os
import re
from datetime import datetime
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "BOT_"
SHORTEST_FILES_KEY = 32
ROOT = Path(__file__).resolve().parent.parent


_ORIGIN = re.compile(r"https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?", re.ASCII)
# What Telegram takes as the secret of a webhook, long enough not to be guessed.
_WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{32,256}")

# pydantic's error types in an operator's words; others keep pydantic's message.
_REASONS = {
    "int_parsing": "要是整数",
    "greater_than_equal": "不能小于 {ge}",
    "less_than_equal": "不能大于 {le}",
    "literal_error": "只能是 {expected}",
    "datetime_from_date_parsing": "要写成 2026-11-23T20:30:00+08:00 这样",
    "datetime_parsing": "要写成 2026-11-23T20:30:00+08:00 这样",
}


class SettingsError(ValueError):
    """A ``BOT_…`` variable is unknown, malformed, or not allowed in this environment."""


class Settings(BaseSettings):
    """Everything that a deployment may set. Each field's description is in the README."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    env: Literal["demo", "production"] = Field(
        "demo",
        description="demo: demonstration data, codes shown in the chat. production: neither.",
    )
    now: datetime | None = Field(
        None, description="Fixes the clock (ISO 8601 with offset); refused in production."
    )
    var: Path = Field(
        ROOT / "var", description="Folder for the SQLite store, uploads, logs, models."
    )
    database_url: str | None = Field(
        None, description="SQLAlchemy URL; by default an SQLite file (WAL) in the var folder."
    )
    rasa_port: int = Field(5005, ge=1, le=65535, description="Port of the Rasa server, loopback.")
    actions_port: int = Field(
        5055, ge=1, le=65535, description="Port of the action server, loopback."
    )
    web_port: int = Field(8080, ge=1, le=65535, description="Port of the web process, loopback.")
    sms_url: str | None = Field(
        None,
        description="HTTPS address that sends one-time codes (JSON POST); needed in production.",
    )
    sms_token: SecretStr | None = Field(None, description="Bearer token for the SMS address.")
    code_secret: SecretStr = Field(
        SecretStr("demo-only-code-secret"),
        description="Key for hashing one-time codes; must be set in production.",
    )
    public_url: str | None = Field(
        None,
        description="Address at which parents reach the web process; needed in production. "
        "By default its loopback port.",
    )
    web_embed_origins: str | None = Field(
        None,
        description="Sites whose pages may hold the chat page in a frame, for example "
        "https://www.example.com; spaces between several.",
    )
    payment_url: str | None = Field(
        None,
        description="HTTPS address of the payment provider (JSON POST); the demonstration has "
        "a payment page of its own.",
    )
    payment_secret: SecretStr = Field(
        SecretStr("demo-only-payment-secret"),
        description="Key that signs what we and the payment provider tell each other; must be "
        "set in production where BOT_PAYMENT_URL is.",
    )
    telegram_token: SecretStr | None = Field(
        None, description="Token of the Telegram bot; with it `bot up` receives and sends there."
    )
    telegram_url: str = Field(
        "https://api.telegram.org", description="Address of the Telegram Bot API server."
    )
    telegram_secret: SecretStr | None = Field(
        None,
        description="Secret of the webhook BOT_PUBLIC_URL/telegram/webhook; without it updates "
        "are fetched (long polling).",
    )
    telegram_port: int = Field(
        8081, ge=1, le=65535, description="Port of the webhook's process, loopback."
    )
    files_url: str | None = Field(
        None,
        description="Where parents' files are kept: a folder or s3://bucket/prefix (extra s3).",
    )
    files_key: SecretStr = Field(
        SecretStr("demo-only-files-key"),
        description="Secrets that encrypt the files, commas between, the newest first.",
    )
    history_turns: int = Field(
        10, ge=5, description="Turns of a conversation that the Rasa tracker keeps in memory."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Level of the logs in the var folder."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave reading the environment to :func:`load_settings`, which refuses unknown names."""
        return (init_settings,)

    @field_validator("var")
    @classmethod
    def _absolute(cls, var: Path) -> Path:
        # The processes that a command starts work in another folder than the operator.
        return var.expanduser().absolute()

    @field_validator("files_url")
    @classmethod
    def _place_of_files(cls, url: str | None) -> str | None:
        if url is None or url.startswith("s3://"):
            return url
        if "://" in url:
            raise ValueError("只能是本机文件夹，或 s3://存储桶/前缀")
        return str(Path(url).expanduser().absolute())

    @field_validator("web_embed_origins")
    @classmethod
    def _origins(cls, origins: str | None) -> str | None:
        for origin in (origins or "").split():
            if not _ORIGIN.fullmatch(origin):
                raise ValueError("每个都要写成 https://www.example.com 这样，空格分开，不带路径")
        return origins

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        if self.now is not None and self.now.tzinfo is None:
            raise ValueError("BOT_NOW 要带时区，例如 2026-11-23T20:30:00+08:00")
        secret = self.telegram_secret.get_secret_value() if self.telegram_secret else None
        if secret is not None and not _WEBHOOK_SECRET.fullmatch(secret):
            raise ValueError("BOT_TELEGRAM_SECRET 要有 32 到 256 个字母、数字、_ 或 -")
        if secret is not None and self.public_url is None:
            raise ValueError("有 BOT_TELEGRAM_SECRET 就要设 BOT_PUBLIC_URL，Telegram 才找得到")
        if not self.file_keys:
            raise ValueError("BOT_FILES_KEY 里没有密钥")
        if len({self.rasa_port, self.actions_port, self.web_port}) < 3:
            raise ValueError("BOT_RASA_PORT、BOT_ACTIONS_PORT、BOT_WEB_PORT 要各不相同")
        if self.env == "production":
            self._production_is_strict()
        return self

    def _production_is_strict(self) -> None:
        if self.now is not None:
            raise ValueError("BOT_ENV=production 时不能设 BOT_NOW：生产环境的时钟不可固定")
        if self.sms_url is None:
            raise ValueError("BOT_ENV=production 时必须设 BOT_SMS_URL，否则验证码发不出去")
        if self.code_secret.get_secret_value().startswith("demo-only"):
            raise ValueError("BOT_ENV=production 时必须设 BOT_CODE_SECRET，不能用演示的密钥")
        if self.public_url is None:
            raise ValueError("BOT_ENV=production 时必须设 BOT_PUBLIC_URL，否则家长打不开链接")
        for key in self.file_keys:
            if key.startswith("demo-only") or len(key) < SHORTEST_FILES_KEY:
                raise ValueError(
                    "BOT_ENV=production 时必须设 BOT_FILES_KEY：每个密钥至少 "
                    f"{SHORTEST_FILES_KEY} 个字符，不能用演示的密钥"
                )
        demo = self.payment_secret.get_secret_value().startswith("demo-only")
        if self.payment_url is not None and demo:
            raise ValueError("BOT_ENV=production 时必须设 BOT_PAYMENT_SECRET，不能用演示的密钥")

    @property
    def file_keys(self) -> tuple[str, ...]:
        """The secrets of the file store; the first encrypts, all decrypt."""
        given = self.files_key.get_secret_value().split(",")
        return tuple(key.strip() for key in given if key.strip())

    @property
    def uploads(self) -> str:
        """Folder or URL of the files. They go with the store: a frozen clock has its own."""
        if self.files_url:
            return self.files_url
        name = "uploads" if self.now is None else f"uploads-{self.now:%Y%m%dT%H%M}"
        return str(self.var / name)

    @property
    def embed_origins(self) -> tuple[str, ...]:
        """The sites that may hold the chat page in a frame."""
        return tuple((self.web_embed_origins or "").split())

    @property
    def base_url(self) -> str:
        """Where parents reach the web process, without a slash at the end."""
        return (self.public_url or f"http://127.0.0.1:{self.web_port}").rstrip("/")

    @property
    def logs(self) -> Path:
        """Folder of the logs."""
        return self.var / "logs"

    @property
    def heartbeat(self) -> Path:
        """File that the worker touches while it works."""
        return self.var / "worker.alive"

    @property
    def telegram_heartbeat(self) -> Path:
        """File that the process of Telegram touches while it works."""
        return self.var / "telegram.alive"

    @property
    def models(self) -> Path:
        """Folder of the trained models."""
        return self.var / "models"

    @property
    def store_url(self) -> str:
        """The store's SQLAlchemy URL. A frozen clock gets a demo store of its own."""
        if self.database_url:
            return self.database_url
        name = "store.sqlite" if self.now is None else f"store-{self.now:%Y%m%dT%H%M}.sqlite"
        return f"sqlite:///{self.var / name}"


def load_settings(environ: dict[str, str] | None = None) -> Settings:
    """Read and check the settings.

    Args:
        environ: The variables to read; the process's own by default. An empty one counts as unset.

    Raises:
        SettingsError: One sentence that names the variable and what to do.
    """
    source = dict(os.environ if environ is None else environ)
    given = {k: v for k, v in source.items() if k.upper().startswith(PREFIX) and v.strip()}
    known = {PREFIX + name.upper(): name for name in Settings.model_fields}
    for key in sorted(given):
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"是不是 {near[0]}？" if near else ""
            raise SettingsError(
                f"没有 {key} 这个设置。{hint}全部设置见 README.md 的 Configuration 表"
            )
    try:
        return Settings.model_validate({known[k]: v for k, v in given.items()})
    except ValueError as error:
        raise SettingsError(_sentence(error)) from error


def _sentence(error: ValueError) -> str:
    details = getattr(error, "errors", None)
    if details is None:
        return str(error)
    first = details()[0]
    context = {key: str(value) for key, value in first.get("ctx", {}).items()}
    reason = _REASONS.get(str(first["type"]), "")
    message = reason.format(**context) or str(first["msg"]).removeprefix("Value error, ")
    place = "_".join(str(part) for part in first["loc"]).upper()
    return f"{PREFIX}{place} 的值不对：{message}" if place else message


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the process's settings, read once."""
    return load_settings()
