-- id: pushed_back
-- version: 3
-- issue_type: incomplete_solution
-- severity: major
-- language: en, zh
-- finds: A reply after which the user says that it did not answer, or repeats the same question.
-- grain: one reply
-- inputs: replies
-- parameters: pushback = "(does|did)(n t| not) (help|answer)|not what i (asked|meant|wanted)|i asked( (you|for|about|if|whether|how|what|when|where|why|which|who)\\b|$)|you did not answer|i do not understand|没有?回答|答非所问|不是(这个|我问的)|我问的是|听不懂"
SELECT conversation_id, turn, content AS quote, 'the user answers at turn ' || turn + 1 || ' that it did not help' AS evidence
FROM replies
WHERE next_role = 'user'
    AND (
        regexp_matches(next_norm, $pushback)
        OR (next_norm = user_norm AND strlen(next_norm) >= 12 AND regexp_matches(next_content, '[?？]'))
    )
