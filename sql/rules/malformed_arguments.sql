-- id: malformed_arguments
-- version: 1
-- issue_type: action_mismatch
-- severity: major
-- finds: A tool call whose arguments are not a JSON object.
-- grain: one tool call
-- inputs: calls
SELECT conversation_id, turn, any_value(name) AS quote, 'arguments are not a JSON object' AS evidence
FROM calls
WHERE NOT coalesce(json_valid(arguments) AND json_type(CASE WHEN json_valid(arguments) THEN arguments END) = 'OBJECT', FALSE)
GROUP BY conversation_id, turn
