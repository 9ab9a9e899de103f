"""What an HTTP status other than 200 means: for good, for this request, for this format, or for the moment.

What belongs here: status codes and the words that endpoints use. What does not: retries (`transport`).
"""

import json
import re
from collections.abc import Mapping

from wow_flywheel.errors import EndpointRefused
from wow_flywheel.llm.requests import BadMomentError, FormatRefusedError, ParameterRefusedError, RequestFailedError
from wow_flywheel.llm.settings import LlmSettings

RETRIED_BELOW_500 = frozenset({408, 409, 425, 429})
OVERLOADED = frozenset({429, 503, 529})
FORMAT_WORDS = (
    "response_format",
    "json_schema",
    "json_object",
    "structured",
    "guided",
    "grammar",
    "extra inputs",
    "unrecognized",
)
NO_MODEL = re.compile(
    r"model\b.{0,80}(?:not exist|not found|unknown|invalid|no such)|(?:unknown|invalid|no such) model", re.IGNORECASE
)
TOO_LONG = re.compile(
    r"context[_ ](?:length|window|size)|maximum (?:context|model length)|too many tokens|prompt is too long", re.IGNORECASE
)
CROWDED = re.compile(r"context size has been exceeded", re.IGNORECASE)
"""With a server error: the calls under way share the server's context, and together they fill it (llama.cpp's server)."""

FILTERED = re.compile(
    r"content[_ -]?(?:filter|management policy|policy)|moderation|\bflagged\b|responsible ?ai|safety (?:system|filter|polic)"
    r"|data_inspection_failed|sensitive (?:content|words)",
    re.IGNORECASE,
)
"""A filter before the model declined this one prompt."""

SAMPLING = ("max_tokens", "temperature")
"""Parameters that some models take under another name or not at all."""

NAMED = ("response_format", "structured_outputs", "guided_json", *SAMPLING, "max_completion_tokens")
"""What an error may be about, beside the prompt."""

NOT_TAKEN = re.compile(
    r"unsupported|not (?:supported|allowed|permitted|available)|does ?n[o']t support|unrecogni[sz]ed|unknown|unexpected"
    r"|extra inputs|deprecated|only the default",
    re.IGNORECASE,
)
NO_MONEY = re.compile(r"insufficient_quota|exceeded your current quota|billing|credit balance", re.IGNORECASE)
REFUSALS: Mapping[str, tuple[str, str]] = {
    "key": ("the key is refused", "check WOW_LLM_API_KEY: it is missing, wrong or expired"),
    "access": ("access is denied", "check WOW_LLM_API_KEY and what it may use"),
    "model": (
        "there is no such model or path",
        "check WOW_LLM_MODEL, and that WOW_LLM_BASE_URL ends as the endpoint wants (often /v1)",
    ),
    "money": ("the account has no quota or credit left", "add credit, or point WOW_LLM_BASE_URL at another endpoint"),
}
BY_STATUS: Mapping[int, str] = {401: "key", 402: "money", 403: "access", 404: "model", 405: "model"}


def failed_status(settings: LlmSettings, status: int, data: bytes, pause: float | None, *, has_format: bool) -> Exception:
    """The error for a response that is no answer.

    Args:
        settings: The endpoint.
        status: HTTP status.
        data: The response's body; nothing of it is shown, since it may quote the prompt.
        pause: Seconds that `Retry-After` asks for.
        has_format: Whether the request asked for structured output.
    """
    said = _message(data)
    if status in {400, 403, 422} and FILTERED.search(said):
        return RequestFailedError("refused", f"a filter of the endpoint declined the prompt (HTTP {status})")
    named = next((name for name in NAMED if re.search(rf"(?<![a-z_]){name}(?![a-z_])", said)), "")
    about = f" about {named}" if named in {*SAMPLING, "max_completion_tokens"} else ""
    if status in {400, 422} and named in SAMPLING and NOT_TAKEN.search(said):
        return ParameterRefusedError(named)
    about_format = any(word in said.lower() for word in FORMAT_WORDS)
    refusal = BY_STATUS.get(status) or (None if about_format else _worded(status, said))
    if status == 413 or (status in {400, 422} and TOO_LONG.search(said)):
        return RequestFailedError(
            "too_long",
            f"the endpoint's context is shorter than prompt and answer (HTTP {status}): lower WOW_LLM_MAX_CONVERSATION_TOKENS",
        )
    if refusal is not None:
        what, hint = REFUSALS[refusal]
        return EndpointRefused(f"{settings.base_url}, model {settings.model}: {what} (HTTP {status})", hint=hint)
    if has_format and (status in {400, 422} or (status == 500 and about_format)):
        return FormatRefusedError(f"HTTP {status}{about}")
    if status >= 500 or status in RETRIED_BELOW_500:
        reason = "rate_limited" if status == 429 else "server_error"
        crowded = status in OVERLOADED or CROWDED.search(said) is not None
        return BadMomentError(reason, f"HTTP {status}", pause, overloaded=crowded)
    return RequestFailedError("rejected", f"HTTP {status}{about}")


def _worded(status: int, said: str) -> str | None:
    """What endpoints say with a status that others use for something else: no such model, an empty account."""
    if status in {400, 422} and NO_MODEL.search(said):
        return "model"
    return "money" if status == 429 and NO_MONEY.search(said) else None


def _message(data: bytes) -> str:
    """The words of an error: `error.message` with `error.code`, or the body's beginning where it has another shape."""
    text = data[:4000].decode("utf-8", "replace")
    try:
        body = json.loads(data)
    except ValueError:
        return text
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        return f"{error.get('code')} {error.get('type')} {error.get('param')} {error.get('message')}"
    return text
