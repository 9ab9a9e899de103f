-- id: contradicted_number
-- version: 1
-- issue_type: hallucination
-- severity: minor
-- language: any
-- finds: A reply that says what an earlier reply said, word for word, with other numbers, although neither the user nor a tool
--     had named a number in between; only where the log shows what tools answered.
-- grain: one reply
-- inputs: replies, turns
-- parameters: min_bytes = 16
WITH masked AS (
    SELECT *, regexp_replace(content, '\d+', '#', 'g') AS mask
    FROM replies
    WHERE sourced AND len(numbers) > 0 AND strlen(norm) >= $min_bytes
),
changed AS (
    SELECT conversation_id, turn, content, lag(turn) OVER same AS before, lag(content) OVER same AS said, lag(numbers) OVER same <> numbers AS differs
    FROM masked
    WINDOW same AS (PARTITION BY conversation_id, mask ORDER BY turn)
),
news AS (
    SELECT conversation_id, turn FROM turns WHERE role = 'tool' OR tool_calls IS NOT NULL OR (role = 'user' AND regexp_matches(content, '\d'))
)
SELECT changed.conversation_id, changed.turn, content AS quote, 'other numbers than at turn ' || before AS evidence
FROM changed
ANTI JOIN news ON news.conversation_id = changed.conversation_id AND news.turn > changed.before AND news.turn < changed.turn
WHERE differs
