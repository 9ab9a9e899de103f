-- id: question_left_open
-- version: 1
-- issue_type: incomplete_solution
-- severity: minor
-- finds: The conversation ends on a question of the user that nobody answers; the finding is at the last reply before it.
-- grain: one conversation
-- inputs: replies, turns
WITH last_turn AS (
    SELECT conversation_id, turn, role, content
    FROM turns
    QUALIFY row_number() OVER (PARTITION BY conversation_id ORDER BY turn DESC) = 1
)
SELECT replies.conversation_id, max(replies.turn) AS turn, arg_max(replies.content, replies.turn) AS quote, 'the question at turn ' || any_value(last_turn.turn) || ' stays open' AS evidence
FROM last_turn
JOIN replies ON replies.conversation_id = last_turn.conversation_id AND replies.turn < last_turn.turn
WHERE last_turn.role = 'user' AND regexp_matches(last_turn.content, '[?？]\s*$')
GROUP BY replies.conversation_id
