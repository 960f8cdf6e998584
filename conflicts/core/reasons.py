"""Why a decision came out as it did: the fixed sentences, so that pages can translate them.

"Here" is the local side (the queued change), "the upstream" is the remote side.
"""

from typing import Final

CHANGED_HERE: Final = "Changed here only."
CHANGED_UPSTREAM: Final = "Changed at the upstream only."
ADDED_HERE: Final = "Added here only."
ADDED_UPSTREAM: Final = "Added at the upstream only."
DELETED_HERE: Final = "Deleted here only."
DELETED_UPSTREAM: Final = "Deleted at the upstream only."
SAME: Final = "Both sides made the same change."

DIFFERENT: Final = "Both sides changed it differently."
BOTH_ADDED: Final = "Both sides added it with different contents."
DELETED_HERE_EDITED_UPSTREAM: Final = "Deleted here, edited at the upstream."
EDITED_HERE_DELETED_UPSTREAM: Final = "Edited here, deleted at the upstream."
OTHER_TYPE: Final = "The sides hold different types of value."
DUPLICATE_KEY: Final = "Items share a key or have none, so they cannot be matched."
SAME_PASSAGE: Final = "Both sides changed the same passage."
SAME_ELEMENTS: Final = "Both sides changed the same elements."

MERGED_ADDITIONS: Final = "Both sides added it; what they added is merged."
MERGED_TEXT: Final = "The sides changed different passages."
MERGED_ELEMENTS: Final = "The sides changed different elements."
DELETED_UNCHANGED: Final = "Deleted on one side; the other changed nothing that counts."

REORDERED_HERE: Final = "Reordered here only."
REORDERED_UPSTREAM: Final = "Reordered at the upstream only."
REORDERED_SAME: Final = "Both sides reordered it in the same way."
MERGED_MOVES: Final = "The sides moved different items."
DIFFERENT_ORDER: Final = "Both sides ordered it differently."
SET_ORDER: Final = "The order does not count here."
TIME_ORDER: Final = "New entries of both sides stand in the order of their time."
STRUCTURE: Final = "Both sides removed or moved items of this list."

LARGER: Final = "The larger number counts here."
SMALLER: Final = "The smaller number counts here."
SUMMED: Final = "The changes of both sides are added up here."
LATER: Final = "The later change counts here."
LOCAL_COUNTS: Final = "The local side counts here."
UPSTREAM_COUNTS: Final = "The upstream counts here."
IMMUTABLE: Final = "This must not change once it is set."
NOT_ALLOWED: Final = "This move is not allowed."

ALL: Final = tuple(text for name, text in sorted(globals().items()) if name.isupper())
