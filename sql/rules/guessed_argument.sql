-- id: guessed_argument
-- version: 4
-- issue_type: unclarified_demand
-- severity: major
-- language: en, zh
-- finds: A tool call with a number or an id that neither a user, a tool nor the knowledge base had given, and that no reply had named
--     for the user to confirm: a guess where it should have asked. Dates and times ("tomorrow" gives them), keys and long free text
--     are left out.
-- grain: one guessed value, at the first call that uses it
-- inputs: calls, facts, known_facts
-- parameters: min_number = 10; ignore = "\"[^\"]*\" *:|\"(?:[^\"\\\\]|\\\\.){160,}\"|\\\\(u[0-9a-f]{4}|[nrt])|\\b\\d{4}-\\d\\d?-\\d\\d?(t[\\d:.+z-]+)?|\\b\\d\\d?/\\d\\d?(/\\d+)?|\\b\\d\\d?(:\\d\\d)+( ?[ap]m)?|\\b\\d\\d? ?([ap]\\.?m|st|nd|rd|th)\\b|\\d+ ?[年月日号点]"
WITH used AS (
    SELECT conversation_id, turn, user_turn, name, arguments, unnest(regexp_extract_all(text, '[a-z0-9_-]*\d[a-z0-9_-]*(?:[.,]\d+)*')) AS value
    FROM (SELECT *, regexp_replace(lower(arguments), $ignore, ' ', 'g') AS text FROM calls)
),
guesses AS (
    SELECT *
    FROM (
        SELECT
            *,
            coalesce(
                try_cast(replace(value, ',', '') AS DECIMAL(38, 4)),
                try_cast(regexp_extract(value, '(\d{2,})\D*$', 1) AS DECIMAL(38, 4))
            ) AS number
        FROM used
    )
    WHERE coalesce(number >= $min_number, TRUE)
),
named AS (
    SELECT guesses.conversation_id, guesses.turn, guesses.value
    FROM guesses
    JOIN facts ON facts.conversation_id = guesses.conversation_id AND (facts.number = guesses.number OR facts.id = guesses.value)
    WHERE (facts.source = 'given' AND facts.turn < guesses.turn) OR (facts.source = 'reply' AND facts.turn < guesses.user_turn)
),
unnamed AS (
    SELECT *, strpos(lower(arguments), value) AS place
    FROM guesses
    ANTI JOIN named USING (conversation_id, turn, value)
    ANTI JOIN known_facts AS numbers ON numbers.number = guesses.number
    ANTI JOIN known_facts AS ids ON ids.id = guesses.value
)
SELECT
    conversation_id,
    min(turn) AS turn,
    substr(first(arguments ORDER BY turn, name, arguments), greatest(first(place ORDER BY turn, name, arguments), 1), length(value)) AS quote,
    'argument of ' || first(name ORDER BY turn, name, arguments) || ' that nobody named' AS evidence
FROM unnamed
GROUP BY conversation_id, value
