-- id: asked_for_given
-- version: 1
-- issue_type: unclarified_demand
-- severity: minor
-- language: en, zh
-- finds: A reply that asks only for an e-mail address, a telephone number or an order number, which the user had given in the
--     same form before.
-- grain: one reply
-- inputs: replies, turns
WITH asked AS (
    SELECT
        conversation_id,
        turn,
        content,
        CASE
            WHEN regexp_matches(norm, '(what is|may i have|can i have|provide|give me|tell me|share|confirm) (me )?(with )?(your|the) (full )?e ?mail|(提供|告诉我)(一下)?您的(电子)?邮箱') THEN '@|<EMAIL_\d+>'
            WHEN regexp_matches(norm, '(what is|may i have|can i have|provide|give me|tell me|share) (me )?(with )?(your|the) order (number|id)|(提供|告诉我)(一下)?您的订单号') THEN '#W\d{5,}|(?i:order (number|id|no)? ?(is|:)? ?#?[a-z]?\d{4,})|订单号?(是|：|:)? ?[A-Za-z]?\d{4,}'
        END AS form
    FROM replies
    WHERE regexp_matches(content, '[?？]|(?i:please)|请')
)
SELECT asked.conversation_id, asked.turn, any_value(asked.content) AS quote, 'the user gave it at turn ' || min(turns.turn) AS evidence
FROM asked
JOIN turns ON turns.conversation_id = asked.conversation_id AND turns.turn < asked.turn
WHERE form IS NOT NULL AND turns.role = 'user' AND regexp_matches(turns.content, form)
GROUP BY asked.conversation_id, asked.turn
