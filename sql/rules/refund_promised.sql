-- id: refund_promised
-- version: 1
-- issue_type: policy_violation
-- severity: minor
-- language: en, zh
-- finds: A reply that promises money back, or says that it is on its way, in a conversation that uses tools, although none of
--     them was called for money or an order: nothing that was done can bring it.
-- grain: one reply
-- inputs: replies, calls
-- parameters: promise = "\\b(i|we)( will|.ll| have|.ve)( now| just| already)? (issue|process|refund|send|arrange)(ed|d)?\\b.{0,30}\\b(refund|money|reimburse)|\\b(a|the|your) (full )?refund (will be|has been|is being|is on its way)|\\byou will (get|receive) (a|your) (full )?(refund|money back)|(为|给)[您你](办理|申请)?(全额)?退款|退款(将|会)(在|于)|会(全额)?退(还)?给[您你]"; condition = "\\b(if|once|when|would|could|whether|should|unless|after|before)\\b|[?？]|如果|若|是否|吗"; tools = "refund|return|cancel|pay|credit|compensat|reimburs|order|exchange|modif|transfer|balance|charge|退|赔|取消|订单"
WITH promises AS (
    SELECT conversation_id, turn, regexp_extract(content, '(?i)' || $promise) AS quote
    FROM replies
    WHERE regexp_matches(content, '(?i)' || $promise) AND NOT regexp_matches(content, '(?i)' || $condition)
),
used AS (
    SELECT conversation_id, min(CASE WHEN regexp_matches(name || ' ' || arguments, $tools, 'i') AND NOT failed THEN turn END) AS paid_turn
    FROM calls
    GROUP BY conversation_id
)
SELECT promises.conversation_id, promises.turn, quote, 'no tool was called for it before' AS evidence
FROM promises
JOIN used ON used.conversation_id = promises.conversation_id AND coalesce(paid_turn > promises.turn, TRUE)
