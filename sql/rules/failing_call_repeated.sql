-- id: failing_call_repeated
-- version: 2
-- issue_type: action_mismatch
-- severity: minor
-- language: any
-- finds: A tool call repeated with the same arguments right after it failed.
-- grain: one repeated call
-- inputs: calls
WITH made AS (
    SELECT conversation_id, name, arguments, turn, bool_and(failed) AS failed FROM calls GROUP BY ALL
)
SELECT conversation_id, turn, name AS quote, 'failed before at turn ' || lag(turn) OVER same AS evidence
FROM made
WINDOW same AS (PARTITION BY conversation_id, name, arguments ORDER BY turn)
QUALIFY lag(failed) OVER same
