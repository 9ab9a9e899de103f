-- id: overlong_reply
-- version: 1
-- issue_type: poor_empathy
-- severity: minor
-- language: any
-- finds: A reply so long that few customers read it; bytes are counted because a Chinese character (3 bytes) says more than a
--     letter.
-- grain: one reply
-- inputs: replies
-- parameters: max_bytes = 2400
SELECT conversation_id, turn, left(content, 200) AS quote, strlen(content) || ' bytes' AS evidence
FROM replies
WHERE strlen(content) > $max_bytes
