-- id: ungrounded_number
-- version: 1
-- issue_type: hallucination
-- severity: major
-- finds: A reply that states a number which no user turn, tool result, tool call or knowledge unit contains; only where the log
--     shows sources at all (tool results, or a knowledge base).
-- grain: one reply
-- inputs: replies, facts, calls, knowledge
-- parameters: units = "days?|hours?|minutes?|mins?|dollars?|percent|%|usd|元|块|天|小时|分钟|折"
WITH stated AS (
    SELECT
        conversation_id,
        turn,
        unnest(list_concat(
            regexp_extract_all(content, '\d+(?:[,.]\d+)*\d|\d{2,}'),
            regexp_extract_all(lower(content), '(\d+) ?(?:' || $units || ')', 1)
        )) AS raw
    FROM replies
),
plain AS (
    SELECT conversation_id, turn, raw, regexp_replace(replace(raw, ',', ''), '\.0+$', '') AS number FROM stated
)
SELECT conversation_id, turn, min(raw) AS quote, 'numbers nobody gave: ' || string_agg(DISTINCT raw, ', ' ORDER BY raw) AS evidence
FROM plain
WHERE (
    EXISTS (SELECT 1 FROM calls WHERE calls.conversation_id = plain.conversation_id AND calls.result IS NOT NULL)
    OR EXISTS (SELECT 1 FROM knowledge)
)
    AND NOT EXISTS (
    SELECT 1 FROM facts
    WHERE facts.number = plain.number
        AND (facts.conversation_id = '*' OR (facts.conversation_id = plain.conversation_id AND facts.turn < plain.turn))
)
GROUP BY conversation_id, turn
