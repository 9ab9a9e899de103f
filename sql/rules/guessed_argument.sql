-- id: guessed_argument
-- version: 1
-- issue_type: unclarified_demand
-- severity: major
-- finds: A tool call with a number that neither the user, a tool nor the knowledge base had given: a guess where it should have asked.
-- grain: one tool call
-- inputs: calls, facts
-- parameters: min_digits = 2
WITH used AS (
    SELECT conversation_id, turn, name, unnest(regexp_extract_all(arguments, '\d+(?:\.\d+)?')) AS number
    FROM calls
)
SELECT used.conversation_id, used.turn, any_value(used.number) AS quote, 'argument of ' || any_value(used.name) || ' that nobody named' AS evidence
FROM used
WHERE strlen(used.number) >= $min_digits
    AND NOT EXISTS (
        SELECT 1 FROM facts
        WHERE facts.number = regexp_replace(used.number, '\.0+$', '')
            AND (facts.conversation_id = '*' OR (facts.conversation_id = used.conversation_id AND facts.turn < used.turn))
    )
GROUP BY used.conversation_id, used.turn
