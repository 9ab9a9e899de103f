"""Every kind of value that can be told by its looks, in the order in which they are looked for.

What belongs here: the order, so that a value is read as the most specific kind it can be. What does not: the kinds.
"""

from typing import Final

from wow_flywheel.conversations.redaction.addresses import ADDRESSES
from wow_flywheel.conversations.redaction.contacts import EMAILS, PHONES
from wow_flywheel.conversations.redaction.kinds import Kind
from wow_flywheel.conversations.redaction.numbers import CARDS, DOCUMENTS, IDENTITIES
from wow_flywheel.conversations.redaction.secrets import SECRETS

KINDS: Final[tuple[Kind, ...]] = (*SECRETS, *EMAILS, *IDENTITIES, *DOCUMENTS, *CARDS, *ADDRESSES, *PHONES)
