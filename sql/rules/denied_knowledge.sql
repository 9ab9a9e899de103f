-- id: denied_knowledge
-- version: 1
-- issue_type: knowledge_misuse
-- severity: minor
-- language: en, zh
-- finds: A reply that says it knows nothing of what the user asks, although the title of a knowledge unit stands, whole, in
--     the question.
-- grain: one reply
-- inputs: replies, knowledge
-- parameters: denial = "\\bi (do not|don t) (have|know|see) (any |about )?(information|details|anything|that)|\\bno information (on|about)|not (aware|sure) (of|about)|(不清楚|不知道|没有(相关|这方面的)?(信息|资料))"; min_words = 2
SELECT replies.conversation_id, replies.turn, any_value(content) AS quote, 'knowledge unit: ' || min(known_titles.title) AS evidence
FROM replies
JOIN known_titles ON contains(user_norm, known_titles.norm)
WHERE regexp_matches(replies.norm, $denial)
    AND (known_titles.words >= $min_words OR regexp_matches(known_titles.norm, '\p{Han}{4}'))
GROUP BY replies.conversation_id, replies.turn
