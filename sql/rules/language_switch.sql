-- id: language_switch
-- version: 1
-- issue_type: incomplete_solution
-- severity: minor
-- language: en, zh
-- finds: A reply without a Chinese character to a user who writes Chinese, or a Chinese reply to a user who writes Latin
--     letters; names and numbers alone are no language.
-- grain: one reply
-- inputs: replies
-- parameters: min_bytes = 24
SELECT
    conversation_id,
    turn,
    content AS quote,
    CASE WHEN regexp_matches(norm, '\p{Han}') THEN 'Chinese to a user who writes Latin letters' ELSE 'no Chinese to a user who writes it' END AS evidence
FROM replies
WHERE strlen(norm) >= $min_bytes
    AND strlen(user_norm) >= $min_bytes / 2
    AND (
        (regexp_matches(user_norm, '\p{Han}{2}') AND NOT regexp_matches(user_norm, '[a-z]{3}') AND NOT regexp_matches(norm, '\p{Han}') AND regexp_matches(norm, '[a-z]+ [a-z]+ [a-z]+'))
        OR (regexp_matches(norm, '\p{Han}{4}') AND NOT regexp_matches(norm, '[a-z]{3}') AND NOT regexp_matches(user_norm, '\p{Han}') AND regexp_matches(user_norm, '[a-z]+ [a-z]+ [a-z]+'))
    )
