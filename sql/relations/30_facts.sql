-- grain: one number that a user, a tool or an earlier call put into a conversation, with the first turn that did; conversation_id '*' is
--     the knowledge base
-- inputs: turns, calls, knowledge
-- relation: facts
WITH texts AS (
    SELECT conversation_id, turn, content AS text FROM turns WHERE role <> 'assistant' AND content IS NOT NULL
    UNION ALL
    SELECT conversation_id, turn, arguments AS text FROM calls
    UNION ALL
    SELECT '*' AS conversation_id, -1 AS turn, concat_ws(' ', title, content) AS text FROM knowledge
),
numbers AS (
    SELECT conversation_id, turn, unnest(regexp_extract_all(text, '\d+(?:[,.]\d+)*')) AS raw FROM texts
),
plain AS (
    SELECT conversation_id, turn, regexp_replace(replace(raw, ',', ''), '\.0+$', '') AS number FROM numbers
)
SELECT conversation_id, number, min(turn) AS turn
FROM plain
GROUP BY ALL
