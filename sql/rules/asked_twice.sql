-- id: asked_twice
-- version: 1
-- issue_type: unclarified_demand
-- severity: minor
-- finds: The same question asked again although the user had answered in between.
-- grain: one repeated question
-- inputs: replies
-- parameters: ignore = "anything else|还有(什么|其他)|help you"
SELECT
    conversation_id,
    turn,
    content AS quote,
    'first asked at turn ' || min(turn) OVER same AS evidence
FROM replies
WHERE regexp_matches(content, '[?？]\s*$') AND NOT regexp_matches(norm, $ignore)
WINDOW same AS (PARTITION BY conversation_id, norm ORDER BY turn)
QUALIFY row_number() OVER same > 1 AND user_turn > lag(turn) OVER same
