-- id: question_left_open
-- version: 2
-- issue_type: incomplete_solution
-- severity: minor
-- language: en, zh
-- finds: The conversation ends on a question of the user that nobody answers; the finding is at the last reply before it.
-- grain: one conversation
-- inputs: users
SELECT conversation_id, reply_turn AS turn, reply AS quote, 'the question at turn ' || turn || ' stays open' AS evidence
FROM users
WHERE is_last AND reply_turn IS NOT NULL AND regexp_matches(content, '[?？]\s*$')
