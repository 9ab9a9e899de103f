"""The settings: environment variables with defaults, validated once, with messages that name the variable.

What belongs here: each variable that a user may set, its default and its check. What does not: reading the environment at
import; `Settings.from_env` is called by whoever starts something (a Dagster resource, a command line).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wow_flywheel.errors import SettingsError

DEFAULT_DATA_DIR = "data"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says, checked.

    Attributes:
        logs_uri: `WOW_LOGS_URI`, folder or `s3://` prefix with a folder of logs a day.
        lake_uri: `WOW_LAKE_URI`, where the Delta tables live.
        models_uri: `WOW_MODELS_URI`, local folder of checkpoints, manifests and releases.
        knowledge_uri: `WOW_KNOWLEDGE_URI`, folder or prefix of `*.jsonl[.gz]` knowledge units (id, title, content).
        policies_uri: `WOW_POLICIES_URI`, folder or prefix of procedures (`*.jsonl[.gz]`) and business rules (`*.md`).
        model: `WOW_MODEL`, local path or hub id of the model to train; None means the embedded closed world's model.
        training_config: `WOW_TRAINING_CONFIG`, a YAML or JSON file whose sections `sft`, `dpo` and `kto` change the trainers'
            defaults.
        without_pairs: `WOW_WITHOUT_PAIRS`, the candidate of a cycle without preference pairs: `sft`, its fine-tuned model, or
            `kto`, that model tuned on labelled replies.
        llm_base_url: `WOW_LLM_BASE_URL`, an OpenAI-compatible endpoint; None means that no LLM is configured.
        llm_model: `WOW_LLM_MODEL`, the model name to ask that endpoint for.
        embeddings_model: `WOW_EMBEDDINGS_MODEL`, local path or hub id of a sentence encoder for the triage; None goes without.
        near_duplicate: `WOW_NEAR_DUPLICATE`, least similarity (estimated Jaccard, 0.8 to 1) of a near duplicate.
        duplicate_window_days: `WOW_DUPLICATE_WINDOW_DAYS`, how many days back duplicates are looked for.
        duplicates_warn: `WOW_DUPLICATES_WARN`, the share of a day's conversations from which on duplicates are a warning.
        max_per_user: `WOW_MAX_PER_USER`, most rows of one customer in each dataset of a cycle.
        max_per_template: `WOW_MAX_PER_TEMPLATE`, most rows of one script in each dataset of a cycle.
        timezone: `WOW_TIMEZONE`, IANA name of the business timezone that a day is counted in.
        personal_fields: `WOW_PERSONAL_FIELDS`, dotted paths of further fields of a log record that name the customer.
        vault_uri: `WOW_VAULT_URI`, folder or prefix where redacted originals are kept, encrypted by `WOW_VAULT_KEY`; None means
            that nothing keeps them. The key itself is read only where the vault is opened.
        presidio: `WOW_PRESIDIO`, a YAML file that configures Presidio's recognisers for names; None means that
            names are found only where fields give them.
        logs_format: `WOW_LOGS_FORMAT`, the format of the log files, or `pattern=format` pairs; what is not named is told from
            the files' first lines.
        log_drift: `WOW_LOG_DRIFT`, drift modes of a log record's columns, such as `locale=discard_value,others=evolve`.
        environment: `WOW_ENVIRONMENT`, `module:attribute` of the simulated customers that evaluate models end to end;
            None means offline evaluation on held-out conversations only.
        general_set: `WOW_GENERAL_SET`, JSON Lines of `{"text": …}` on which general ability is measured; None measures none.
        judged_turns: `WOW_JUDGED_TURNS`, how many held-out turns of a cycle the endpoint compares pairwise; 0 asks it nothing.
        episodes: `WOW_EPISODES`, episodes that each model plays, and held-out dialogues that it is asked for, in an evaluation.
        canary_share: `WOW_CANARY_SHARE`, share of the traffic that a new release serves at first; 1 makes it current at once.
        logs_settle_seconds: `WOW_LOGS_SETTLE_SECONDS`, how long a log file must be unchanged before the sensor takes it.
        logs_manifest: `WOW_LOGS_MANIFEST`, the name of a file without which a day's folder is not complete; None needs none.
        ray_address: `WOW_RAY_ADDRESS`, HTTP address of a Ray cluster's dashboard, where trainers and evaluations then run; None
            means here.
        ray_gpus: `WOW_RAY_GPUS`, GPUs that such a job asks the cluster for; 0 asks for one CPU.
        accelerate_config: `WOW_ACCELERATE_CONFIG`, file by which `accelerate launch` starts trainers, on several GPUs; None:
            each is one process.
        rules: `WOW_RULES`, a YAML or JSON file that changes rules' parameters and severities, or turns rules off, by scenario.
        checks: `WOW_CHECKS`, a YAML or JSON file whose sections change limits: `conversations` what a day may look like,
            `agreement`, `pairs`, `gate`.
        embedded: True when no logs are configured, so that the closed world plays production.
    """

    logs_uri: str
    lake_uri: str
    models_uri: str
    knowledge_uri: str
    policies_uri: str
    model: str | None
    training_config: str | None
    without_pairs: str
    llm_base_url: str | None
    llm_model: str | None
    embeddings_model: str | None
    near_duplicate: float
    duplicate_window_days: int
    duplicates_warn: float
    max_per_user: int
    max_per_template: int
    timezone: str
    personal_fields: tuple[str, ...]
    logs_format: str
    log_drift: str
    vault_uri: str | None
    presidio: str | None
    environment: str | None
    general_set: str | None
    judged_turns: int
    episodes: int
    canary_share: float
    logs_settle_seconds: int
    logs_manifest: str | None
    ray_address: str | None
    ray_gpus: int
    accelerate_config: str | None
    rules: str | None
    checks: str | None
    embedded: bool

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read and check the settings.

        Args:
            env: Usually `os.environ`.

        Raises:
            SettingsError: A value is malformed; the message names its variable and what would be right.
        """
        logs = _text(env, "WOW_LOGS_URI")
        settings = cls(
            logs_uri=read_uri(env, "WOW_LOGS_URI", f"{DEFAULT_DATA_DIR}/logs"),
            lake_uri=read_uri(env, "WOW_LAKE_URI", f"{DEFAULT_DATA_DIR}/lake"),
            models_uri=_local(env, "WOW_MODELS_URI", f"{DEFAULT_DATA_DIR}/models"),
            knowledge_uri=read_uri(env, "WOW_KNOWLEDGE_URI", f"{DEFAULT_DATA_DIR}/knowledge"),
            policies_uri=read_uri(env, "WOW_POLICIES_URI", f"{DEFAULT_DATA_DIR}/policies"),
            model=_text(env, "WOW_MODEL"),
            training_config=_text(env, "WOW_TRAINING_CONFIG"),
            without_pairs=_choice(env, "WOW_WITHOUT_PAIRS", ("sft", "kto")),
            llm_base_url=_http(env, "WOW_LLM_BASE_URL"),
            llm_model=_text(env, "WOW_LLM_MODEL"),
            embeddings_model=_text(env, "WOW_EMBEDDINGS_MODEL"),
            near_duplicate=read_number(env, "WOW_NEAR_DUPLICATE", 0.9, 0.8, 1),
            duplicate_window_days=int(read_number(env, "WOW_DUPLICATE_WINDOW_DAYS", 90, 0, 3650, whole=True)),
            duplicates_warn=read_number(env, "WOW_DUPLICATES_WARN", 0.3, 0, 1),
            max_per_user=int(read_number(env, "WOW_MAX_PER_USER", 50, 1, 1_000_000_000, whole=True)),
            max_per_template=int(read_number(env, "WOW_MAX_PER_TEMPLATE", 50, 1, 1_000_000_000, whole=True)),
            timezone=_zone(env, "WOW_TIMEZONE", "UTC"),
            personal_fields=_paths(env, "WOW_PERSONAL_FIELDS"),
            logs_format=_text(env, "WOW_LOGS_FORMAT") or "",
            log_drift=_text(env, "WOW_LOG_DRIFT") or "",
            vault_uri=_vault(env),
            presidio=_text(env, "WOW_PRESIDIO"),
            environment=_environment(env, embedded=logs is None),
            general_set=_text(env, "WOW_GENERAL_SET"),
            episodes=int(read_number(env, "WOW_EPISODES", 400, 1, 1_000_000, whole=True)),
            canary_share=read_number(env, "WOW_CANARY_SHARE", 1, 0.001, 1),
            judged_turns=int(read_number(env, "WOW_JUDGED_TURNS", 100, 0, 100_000, whole=True)),
            logs_settle_seconds=_seconds(env, "WOW_LOGS_SETTLE_SECONDS", 60),
            logs_manifest=_file_name(env, "WOW_LOGS_MANIFEST"),
            ray_address=_http(env, "WOW_RAY_ADDRESS"),
            accelerate_config=_text(env, "WOW_ACCELERATE_CONFIG"),
            ray_gpus=int(read_number(env, "WOW_RAY_GPUS", 1, 0, 64, whole=True)),
            rules=_text(env, "WOW_RULES"),
            checks=_text(env, "WOW_CHECKS"),
            embedded=logs is None,
        )
        if settings.llm_base_url and not settings.llm_model:
            raise SettingsError(
                "WOW_LLM_BASE_URL is set but WOW_LLM_MODEL is not",
                hint="set WOW_LLM_MODEL to the model name that the endpoint serves",
            )
        return settings


CLOSED_WORLD = "wow_flywheel.closed_world.environment:ClosedWorld"


def _text(env: Mapping[str, str], name: str) -> str | None:
    return env.get(name, "").strip() or None


def read_uri(env: Mapping[str, str], name: str, default: str) -> str:
    """A variable that is a local folder, made absolute, or an `s3://` prefix."""
    value = _text(env, name) or default
    scheme, separator, rest = value.partition("://")
    if not separator:
        return str(Path(value).absolute())
    if scheme == "file":
        return str(Path(rest).absolute())
    if scheme != "s3" or not rest.strip("/"):
        raise SettingsError(
            f"{name}={value!r} is neither a local folder nor s3://bucket/prefix",
            hint=f"set {name} to a path or an s3:// prefix",
        )
    return value.rstrip("/")


def _local(env: Mapping[str, str], name: str, default: str) -> str:
    value = read_uri(env, name, default)
    if "://" in value:
        raise SettingsError(
            f"{name}={value!r} is not a local folder",
            hint=f"trainers write checkpoints to a file system: set {name} to a local or mounted folder",
        )
    return value


def _choice(env: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    """A variable that is one of some words, the first by default."""
    value = _text(env, name) or allowed[0]
    if value not in allowed:
        raise SettingsError(f"{name}={value!r} is none of {', '.join(allowed)}", hint=f"set {name} to one, or leave it unset")
    return value


def _http(env: Mapping[str, str], name: str) -> str | None:
    value = _text(env, name)
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise SettingsError(f"{name}={value!r} is not an http(s) URL", hint=f"set {name} to something like http://host:8000/v1")
    return value.rstrip("/")


def read_number(
    env: Mapping[str, str], name: str, default: float, lowest: float, highest: float, *, whole: bool = False
) -> float:
    """A variable that is a number within bounds."""
    text = _text(env, name)
    try:
        value = float(default if text is None else text)
    except ValueError:
        value = float("nan")
    if not lowest <= value <= highest or (whole and not value.is_integer()):
        kind = "a whole number" if whole else "a number"
        raise SettingsError(
            f"{name}={text!r} is not {kind} from {lowest:g} to {highest:g}",
            hint=f"set {name} to one, or leave it at {default:g}",
        )
    return value


def _zone(env: Mapping[str, str], name: str, default: str) -> str:
    value = _text(env, name) or default
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SettingsError(
            f"{name}={value!r} is not an IANA timezone", hint=f"set {name} to a name like Asia/Shanghai or UTC"
        ) from error
    return value


def _seconds(env: Mapping[str, str], name: str, default: int) -> int:
    text = _text(env, name) or str(default)
    if not (text.isascii() and text.isdecimal()):
        raise SettingsError(
            f"{name}={text!r} is no whole number of seconds", hint=f"set {name} to something like {default}, or 0"
        )
    return int(text)


def _file_name(env: Mapping[str, str], name: str) -> str | None:
    value = _text(env, name)
    if value is not None and ("/" in value or value in {".", ".."}):
        raise SettingsError(
            f"{name}={value!r} is no name of a file", hint=f"set {name} to something like _SUCCESS, with no folder"
        )
    return value


def _environment(env: Mapping[str, str], *, embedded: bool) -> str | None:
    value = _text(env, "WOW_ENVIRONMENT") or (CLOSED_WORLD if embedded else None)
    if value is not None and not re.fullmatch(r"[\w.]+:\w+", value):
        raise SettingsError(
            f"WOW_ENVIRONMENT={value!r} is not module:attribute", hint=f"set it to something like {CLOSED_WORLD}"
        )
    return value


def _paths(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    paths = tuple(path.strip() for path in env.get(name, "").split(",") if path.strip())
    for path in paths:
        if not re.fullmatch(r"[\w-]+(?:\.[\w-]+)*", path):
            raise SettingsError(
                f"{name} names {path!r}, which is no dotted path", hint=f"set {name} to something like customer.full_name,agent"
            )
    return paths


def _vault(env: Mapping[str, str]) -> str | None:
    if _text(env, "WOW_VAULT_URI") is None:
        return None
    if _text(env, "WOW_VAULT_KEY") is None:
        raise SettingsError(
            "WOW_VAULT_URI is set but WOW_VAULT_KEY is not",
            hint="make a key with `wow-flywheel conversations vault-key` and set WOW_VAULT_KEY in the environment only",
        )
    return read_uri(env, "WOW_VAULT_URI", "")
