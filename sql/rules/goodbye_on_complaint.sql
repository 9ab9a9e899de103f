-- id: goodbye_on_complaint
-- version: 1
-- issue_type: incomplete_solution
-- severity: minor
-- language: en, zh
-- finds: The user says that it is not solved, and the answer is a goodbye or asks for other wishes.
-- grain: one reply
-- inputs: users
-- parameters: unsolved = "(still|does|did|is|has)(n t| not) (work|help|solve|fix|resolve|arrive|come)|not (solved|resolved|fixed|working)|no longer works|(没|未|不)(有)?(解决|收到|用|行|能用)|还是(不|没)"; closing = "anything else|have a (nice|good|great)|good ?bye|\\bbye\\b|glad (i|we) could|happy to have helped|还有(什么|其他)|祝您|再见|感谢您的来电"; heed = "sorry|apolog|let me|i will|i ll|can you|could you|which|what|抱歉|对不起|不好意思|我(来|马上|帮)|请问|麻烦"
SELECT conversation_id, answer_turn AS turn, any_value(answer) AS quote, 'the user said at turn ' || max(turn) || ' that it is not solved' AS evidence
FROM users
WHERE answer_turn IS NOT NULL
    AND regexp_matches(norm, $unsolved)
    AND NOT regexp_matches(norm, '\bif\b|如果')
    AND regexp_matches(answer_norm, $closing)
    AND NOT regexp_matches(regexp_replace(answer_norm, $closing, ' ', 'g'), $heed)
GROUP BY conversation_id, answer_turn
