-- id: promise_left_open
-- version: 1
-- issue_type: incomplete_solution
-- severity: minor
-- language: en, zh
-- finds: The conversation ends on a promise of the assistant to check or to come back.
-- grain: one conversation
-- inputs: replies
-- parameters: promise = "let me (check|see|look)|one moment|please wait|i will (check|get back|look)|hold on|稍等|马上为您|我(查|看)一下"
SELECT conversation_id, turn, content AS quote, 'nothing follows the promise' AS evidence
FROM replies
WHERE is_last AND regexp_matches(norm, $promise)
