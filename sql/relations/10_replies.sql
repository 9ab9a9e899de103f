-- grain: one assistant turn with text
-- inputs: turns
-- relation: replies
SELECT
    conversation_id,
    scenario,
    turn,
    content,
    norm,
    string_split(norm, ' ') AS words,
    max(CASE WHEN role = 'user' THEN turn END) OVER earlier AS user_turn,
    lead(turn) OVER (PARTITION BY conversation_id ORDER BY turn) IS NULL AS is_last
FROM turns
WINDOW earlier AS (PARTITION BY conversation_id ORDER BY turn ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
QUALIFY role = 'assistant' AND content IS NOT NULL AND content <> ''
