-- id: failing_call_repeated
-- version: 1
-- issue_type: action_mismatch
-- severity: minor
-- finds: A tool call repeated with the same arguments right after it failed.
-- grain: one repeated call
-- inputs: calls
SELECT conversation_id, turn, name AS quote, 'failed before at turn ' || lag(turn) OVER same AS evidence
FROM calls
WINDOW same AS (PARTITION BY conversation_id, name, arguments ORDER BY turn)
QUALIFY row_number() OVER same > 1 AND lag(failed) OVER same
