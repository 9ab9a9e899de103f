-- id: near_repeated_reply
-- version: 2
-- issue_type: script_repetition
-- severity: minor
-- language: en, zh
-- finds: A reply whose words (pairs of characters in Chinese) are nearly those of an earlier reply of the same conversation, by the
--     Jaccard similarity of the two sets, with the same numbers in it: other numbers are other information.
-- grain: one nearly repeated reply
-- inputs: replies
-- parameters: min_terms = 6; similarity = 0.9; window = 200
WITH sets AS (
    SELECT conversation_id, turn, content, norm, terms, len(terms) AS size, numbers
    FROM replies
    WHERE len(terms) >= $min_terms
)
SELECT
    later.conversation_id,
    later.turn,
    any_value(later.content) AS quote,
    'nearly the same as turn ' || min(earlier.turn) AS evidence
FROM sets AS later
JOIN sets AS earlier
    ON earlier.conversation_id = later.conversation_id
    AND earlier.turn < later.turn
    AND earlier.turn >= later.turn - $window
    AND earlier.numbers = later.numbers
    AND earlier.size >= $similarity * later.size
    AND later.size >= $similarity * earlier.size
    AND earlier.norm <> later.norm
WHERE len(list_intersect(earlier.terms, later.terms)) * (1 + $similarity) >= $similarity * (earlier.size + later.size)
GROUP BY later.conversation_id, later.turn
