-- id: claimed_not_done
-- version: 1
-- issue_type: action_mismatch
-- severity: major
-- finds: A reply that says something was done although, in a conversation that uses tools, no tool call succeeded before.
-- grain: one reply
-- inputs: replies, calls
-- parameters: done = "\\b(i|we) have (now |just |already )?(refunded|cancelled|canceled|booked|sent|changed|reserved|scheduled|submitted|updated)\\b|(has|have) been (refunded|cancelled|canceled|booked|sent|changed|reserved|scheduled)|已(经)?(为|帮|给)[您你](退款|取消|预订|预定|修改|下单|安排)"
SELECT replies.conversation_id, replies.turn, regexp_extract(replies.content, '(?i)' || $done) AS quote, 'no tool call succeeded before' AS evidence
FROM replies
WHERE regexp_matches(replies.content, '(?i)' || $done)
    AND EXISTS (SELECT 1 FROM calls WHERE calls.conversation_id = replies.conversation_id)
    AND NOT EXISTS (
        SELECT 1 FROM calls
        WHERE calls.conversation_id = replies.conversation_id AND calls.turn < replies.turn AND NOT calls.failed
    )
