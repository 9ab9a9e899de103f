-- grain: one user turn with text
-- inputs: turns
-- relation: users
-- what: What users say and what comes of it. `reply_turn` and `reply` are the last reply before it, `answer_turn`, `answer` and
--     `answer_norm` the first reply after it; `is_last` says that nothing at all follows it.
WITH said AS (
    SELECT *, CASE WHEN role = 'assistant' AND norm <> '' THEN turn END AS spoken
    FROM turns
    WHERE role <> 'system'
)
SELECT
    conversation_id,
    scenario,
    turn,
    content,
    norm,
    max(spoken) OVER before AS reply_turn,
    last_value(CASE WHEN spoken IS NOT NULL THEN content END IGNORE NULLS) OVER before AS reply,
    min(spoken) OVER after AS answer_turn,
    first_value(CASE WHEN spoken IS NOT NULL THEN content END IGNORE NULLS) OVER after AS answer,
    first_value(CASE WHEN spoken IS NOT NULL THEN norm END IGNORE NULLS) OVER after AS answer_norm,
    lead(role) OVER (PARTITION BY conversation_id ORDER BY turn) IS NULL AS is_last
FROM said
WINDOW
    before AS (PARTITION BY conversation_id ORDER BY turn ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
    after AS (PARTITION BY conversation_id ORDER BY turn ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)
QUALIFY role = 'user' AND norm <> ''
