-- id: asked_twice
-- version: 2
-- issue_type: unclarified_demand
-- severity: minor
-- language: en, zh
-- finds: The same question asked again although the user had answered in between.
-- grain: one repeated question
-- inputs: repeats
-- parameters: ignore = "anything else|还有(什么|其他)|help you"
SELECT conversation_id, turn, content AS quote, 'first asked at turn ' || first_turn AS evidence
FROM repeats
WHERE user_turn > previous_turn AND regexp_matches(content, '[?？]\s*$') AND NOT regexp_matches(norm, $ignore)
