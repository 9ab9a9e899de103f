"""Who says a message, and the message itself inside what frameworks put around it.

What belongs here: names of roles in all spellings, and serialised forms of one message. What does not: its content (`single`).
"""

from typing import Any

from wow_flywheel.conversations.readers.values import JsonObject, as_object, as_text, first

ROLES = {
    "user": "user", "human": "user", "customer": "user", "humanmessage": "user", "humanmessagechunk": "user",
    "assistant": "assistant", "ai": "assistant", "model": "assistant", "bot": "assistant", "chatbot": "assistant",
    "aimessage": "assistant", "aimessagechunk": "assistant", "agent": "assistant", "choice": "assistant",
    "system": "system", "developer": "system", "systemmessage": "system", "systemmessagechunk": "system",
    "tool": "tool", "function": "tool", "toolmessage": "tool", "functionmessage": "tool", "toolmessagechunk": "tool",
    "ipython": "tool", "tool_response": "tool", "tool-response": "tool", "tool-call": "assistant", "tool_calls": "assistant",
    "tool_call_result": "tool", "usermessage": "user", "assistantmessage": "assistant", "user_message": "user",
    "assistant_message": "assistant", "system_message": "system", "tool_call_message": "assistant",
    "tool_return_message": "tool", "functionexecutionresultmessage": "tool", "toolcallexecutionevent": "tool",
    "toolcallrequestevent": "assistant", "tool_execution_result": "tool",
}  # fmt: skip
ROLE_FIELDS = ("type", "event.name", "kind", "author_role", "messageType", "message_type", "_role")
CONTENT_FIELDS = ("content", "parts", "contents", "items", "blocks", "data")


def role_in(value: JsonObject) -> str | None:
    """The role that a message names, in any spelling."""
    role = value.get("role")
    if isinstance(role, dict):
        role = first(role, "label", "value", "Label")
    named = (role, *(value.get(name) for name in ROLE_FIELDS))
    for name in named:
        if isinstance(name, str) and (found := role_of(name)):
            return found
    if value.get("type") == "TextMessage" and isinstance(value.get("source"), str):
        return ROLES.get(value["source"].lower(), "assistant")
    if isinstance(value.get("content"), dict) and "parts" in value["content"]:
        return role_in(value["content"])
    return None


def role_of(name: str) -> str | None:
    name = name.lower().removesuffix(".message").rpartition(".")[2]
    return ROLES.get(name) or {"request": "user", "response": "assistant"}.get(name)


def unwrapped(value: JsonObject) -> JsonObject:
    """A LangChain message inside its serialised form, or the message inside an event."""
    if isinstance(value.get("kwargs"), dict) and isinstance(value.get("id"), list) and value["id"]:
        return {"type": as_text(value["id"][-1]), **value["kwargs"], **_class_role(value["id"][-1])}
    if isinstance(value.get("data"), dict) and isinstance(value.get("type"), str) and "content" in value["data"]:
        return {**value["data"], "type": value["type"]}
    if "gen_ai.event.content" in value:
        return unwrapped({"role": value.get("role"), **as_object(value["gen_ai.event.content"])})
    if "_role" in value and "_content" in value:
        return {name.removeprefix("_"): each for name, each in value.items()}
    if "message" in value and not any(name in value for name in CONTENT_FIELDS):
        inner = value["message"]
        if isinstance(inner, dict):
            return {"role": value.get("role") or role_in(value), **inner}
        if isinstance(inner, str) and role_in(value):
            return {**value, "content": inner}
    return value


def _class_role(name: Any) -> dict[str, str]:
    role = role_of(name) if isinstance(name, str) else None
    return {"role": role} if role else {}
