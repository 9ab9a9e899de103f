-- id: near_repeated_reply
-- version: 1
-- issue_type: script_repetition
-- severity: minor
-- finds: A reply whose words are nearly those of an earlier reply of the same conversation (token-set Jaccard).
-- grain: one nearly repeated reply
-- inputs: replies
-- parameters: min_words = 6; similarity = 0.9
WITH sets AS (
    SELECT conversation_id, turn, content, norm, list_distinct(words) AS words
    FROM replies
    WHERE len(words) >= $min_words
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
    AND earlier.norm <> later.norm
    AND len(list_intersect(earlier.words, later.words))
        >= $similarity * len(list_distinct(list_concat(earlier.words, later.words)))
GROUP BY ALL
