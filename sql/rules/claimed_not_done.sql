-- id: claimed_not_done
-- version: 2
-- issue_type: action_mismatch
-- severity: major
-- language: en, zh
-- finds: A reply that says something was done although, in a conversation that uses tools, no tool call succeeded before, or the last
--     one failed.
-- grain: one reply
-- inputs: replies, calls
-- parameters: done = "\\b(i|we)('ve| have) (now |just |already |successfully )*(refunded|cancelled|canceled|booked|sent|changed|reserved|scheduled|submitted|updated)\\b|(has|have) been (successfully )?(refunded|cancelled|canceled|booked|sent|changed|reserved|scheduled)|已(经)?(为|帮|给)[您你](退款|取消|预订|预定|修改|下单|安排)|(退款|取消|预订|预定|修改|下单)成功"
WITH claims AS (
    SELECT conversation_id, turn, regexp_extract(content, $done, 0, 'i') AS quote
    FROM replies
    WHERE regexp_matches(content, $done, 'i')
),
tools AS (
    SELECT
        claims.conversation_id,
        claims.turn,
        any_value(claims.quote) AS quote,
        coalesce(bool_or(NOT calls.failed) FILTER (calls.turn < claims.turn), FALSE) AS any_success,
        coalesce(arg_max(calls.failed, calls.turn) FILTER (calls.turn < claims.turn), TRUE) AS last_failed
    FROM claims
    JOIN calls ON calls.conversation_id = claims.conversation_id
    GROUP BY claims.conversation_id, claims.turn
)
SELECT
    conversation_id,
    turn,
    quote,
    CASE WHEN any_success THEN 'the last tool call before it failed' ELSE 'no tool call succeeded before' END AS evidence
FROM tools
WHERE last_failed OR NOT any_success
