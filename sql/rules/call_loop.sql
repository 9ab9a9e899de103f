-- id: call_loop
-- version: 1
-- issue_type: action_mismatch
-- severity: minor
-- language: any
-- finds: The same tool call with the same arguments for the third time or more, with the same answer each time.
-- grain: one call
-- inputs: calls
-- parameters: most = 2
SELECT conversation_id, max(turn) AS turn, name AS quote, count(*) || ' times with the same arguments and answer' AS evidence
FROM (SELECT DISTINCT conversation_id, turn, name, arguments, result FROM calls WHERE result IS NOT NULL)
GROUP BY conversation_id, name, arguments, result
HAVING count(*) > $most
