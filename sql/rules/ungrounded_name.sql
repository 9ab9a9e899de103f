-- id: ungrounded_name
-- version: 1
-- issue_type: hallucination
-- severity: minor
-- finds: A reply that uses a capitalised name which no user turn, tool result, tool call or knowledge unit contains.
-- grain: one reply
-- inputs: replies, turns, calls, knowledge
-- parameters: ignore = ["Please", "Thank", "Thanks", "Sorry", "Hello", "Yes", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
WITH stated AS (
    SELECT conversation_id, turn, unnest(regexp_extract_all(content, '[a-z,] ([A-Z][a-z]{2,})', 1)) AS name
    FROM replies
),
given AS (
    SELECT conversation_id, lower(string_agg(text, ' ')) AS text
    FROM (
        SELECT conversation_id, content AS text FROM turns WHERE role <> 'assistant'
        UNION ALL
        SELECT conversation_id, arguments AS text FROM calls
    )
    GROUP BY conversation_id
),
known AS (
    SELECT coalesce(lower(string_agg(concat_ws(' ', title, content), ' ')), '') AS text FROM knowledge
)
SELECT stated.conversation_id, stated.turn, min(stated.name) AS quote, 'names nobody gave: ' || string_agg(DISTINCT stated.name, ', ' ORDER BY stated.name) AS evidence
FROM stated
LEFT JOIN given USING (conversation_id)
CROSS JOIN known
WHERE NOT list_contains($ignore, stated.name)
    AND NOT contains(coalesce(given.text, ''), lower(stated.name))
    AND NOT contains(known.text, lower(stated.name))
GROUP BY stated.conversation_id, stated.turn
