-- id: malformed_arguments
-- version: 3
-- issue_type: action_mismatch
-- severity: major
-- language: any
-- finds: A tool call whose arguments are not a JSON object.
-- grain: one tool call
-- inputs: calls
SELECT conversation_id, turn, name AS quote, 'arguments are not a JSON object' AS evidence
FROM calls
WHERE object IS NULL
