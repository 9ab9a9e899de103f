-- id: pushed_back
-- version: 2
-- issue_type: incomplete_solution
-- severity: major
-- finds: A reply after which the user says that it did not answer, or repeats the same question.
-- grain: one reply
-- inputs: replies, turns
-- parameters: pushback = "(does|did)(n t| not) (help|answer)|not what i (asked|meant|wanted)|i asked( (you|for|about|if|whether|how|what|when|where|why|which|who)\\b|$)|you did not answer|i do not understand|没有?回答|答非所问|不是(这个|我问的)|我问的是|听不懂"
WITH users AS (
    SELECT conversation_id, turn, norm, content, lag(norm) OVER (PARTITION BY conversation_id ORDER BY turn) AS before
    FROM turns
    WHERE role = 'user'
)
SELECT replies.conversation_id, replies.turn, replies.content AS quote, 'the user answers at turn ' || min(users.turn) || ' that it did not help' AS evidence
FROM replies
JOIN users ON users.conversation_id = replies.conversation_id AND users.turn = replies.turn + 1
WHERE regexp_matches(users.norm, $pushback)
    OR (users.norm = users.before AND strlen(users.norm) >= 12 AND regexp_matches(users.content, '[?？]'))
GROUP BY ALL
