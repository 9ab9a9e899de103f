-- id: empty_reply
-- version: 1
-- issue_type: incomplete_solution
-- severity: minor
-- language: any
-- finds: A turn of the assistant that neither says nor does anything: no word, no sign, no tool call.
-- grain: one turn
-- inputs: turns
SELECT conversation_id, turn, coalesce(content, '') AS quote, 'neither text nor a tool call' AS evidence
FROM turns
WHERE role = 'assistant' AND coalesce(len(tool_calls), 0) = 0 AND norm = '' AND NOT regexp_matches(coalesce(content, ''), '\p{S}')
