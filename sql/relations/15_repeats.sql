-- grain: one reply that is given, word for word, more than once in its conversation
-- inputs: replies
-- relation: repeats
-- what: `first_turn` is the first turn that says the same, `previous_turn` the last one before this; null in the first.
SELECT
    conversation_id,
    turn,
    content,
    norm,
    user_turn,
    min(turn) OVER same AS first_turn,
    lag(turn) OVER same AS previous_turn
FROM replies
SEMI JOIN (SELECT conversation_id, norm FROM replies GROUP BY ALL HAVING count(*) > 1) AS twice USING (conversation_id, norm)
WINDOW same AS (PARTITION BY conversation_id, norm ORDER BY turn)
