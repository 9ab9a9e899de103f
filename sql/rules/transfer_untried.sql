-- id: transfer_untried
-- version: 1
-- issue_type: incomplete_solution
-- severity: minor
-- language: en, zh
-- finds: The customer is handed over to a person before any tool was tried, without having asked for a person.
-- grain: one hand-over
-- inputs: calls, users
-- parameters: transfer = "transfer.*(human|agent|person|representative)|human_?agent|escalat|转人工|转接"; asked = "\\b(human|person|someone|agent|representative|manager|supervisor|operator|somebody)\\b|人工|真人|经理|客服"
WITH first_calls AS (
    SELECT conversation_id, turn, any_value(name) AS name, count(*) AS calls
    FROM calls
    GROUP BY conversation_id, turn
    QUALIFY turn = min(turn) OVER (PARTITION BY conversation_id)
)
SELECT first_calls.conversation_id, first_calls.turn, name AS quote, 'nothing was tried, and the user had not asked for a person' AS evidence
FROM first_calls
ANTI JOIN users
    ON users.conversation_id = first_calls.conversation_id
    AND users.turn < first_calls.turn
    AND regexp_matches(users.norm, $asked)
WHERE calls = 1 AND regexp_matches(name, $transfer, 'i')
