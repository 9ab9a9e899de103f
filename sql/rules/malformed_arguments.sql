-- id: malformed_arguments
-- version: 2
-- issue_type: action_mismatch
-- severity: major
-- finds: A tool call whose arguments are not a JSON object.
-- grain: one tool call
-- inputs: calls
SELECT conversation_id, turn, name AS quote, 'arguments are not a JSON object' AS evidence
FROM calls
WHERE NOT coalesce(json_valid(arguments) AND json_type(CASE WHEN json_valid(arguments) THEN arguments END) = 'OBJECT', FALSE)
