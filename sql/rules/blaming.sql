-- id: blaming
-- version: 2
-- issue_type: poor_empathy
-- severity: major
-- language: en, zh
-- finds: A reply that blames or lectures the user.
-- grain: one reply
-- inputs: replies
-- parameters: blame = "your (own )?(fault|mistake)|(this|that|it)( is|.s) your (own )?problem|you should have|as i (already )?(said|told you)|calm down|not my problem|你自己的问题|你应该早|我已经说过|这不关我"
SELECT conversation_id, turn, regexp_extract(content, '(?i)' || $blame) AS quote, 'blaming words' AS evidence
FROM replies
WHERE regexp_matches(content, '(?i)' || $blame)
