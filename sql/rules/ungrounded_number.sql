-- id: ungrounded_number
-- version: 4
-- issue_type: hallucination
-- severity: major
-- language: en, zh
-- finds: A reply that states a number which no user turn, tool result, tool call or knowledge unit contains, nor arithmetic on a known
--     number that the reply itself names; only where the log shows sources at all (tool results, or a knowledge base).
-- grain: one reply
-- inputs: replies, facts, known, known_facts
-- parameters: units = "days?|hours?|minutes?|mins?|dollars?|percent|usd"; signs = "%|元|块|天|小时|分钟|折"; times = 9
WITH stated AS (
    SELECT *, try_cast(replace(raw, ',', '') AS DECIMAL(38, 4)) AS number
    FROM (
        SELECT
            conversation_id,
            turn,
            unnest(regexp_extract_all(text, '\d+(?:[,.]\d+)*')) AS raw,
            unnest(regexp_extract_all(text, '\d+(?:[,.]\d+)*( ?(?:(?:' || $units || ')\b|' || $signs || ')|)', 1)) <> '' AS weighty
        FROM (
            SELECT conversation_id, turn, regexp_replace(lower(content), '<[a-z]+_\d+>|(^|\n) *\d+[.)] ', ' ', 'g') AS text
            FROM replies
            CROSS JOIN known
            WHERE len(numbers) > 0 AND (sourced OR known.units > 0)
        )
    )
),
given AS (
    SELECT conversation_id, number, turn FROM facts WHERE number IS NOT NULL AND source <> 'reply'
),
suspects AS (
    SELECT DISTINCT conversation_id, turn, raw, number
    FROM stated
    ANTI JOIN known_facts ON known_facts.number = stated.number
    ANTI JOIN given ON given.conversation_id = stated.conversation_id AND given.number = stated.number AND given.turn < stated.turn
    WHERE stated.number >= 10 OR weighty
),
terms AS (
    SELECT suspects.conversation_id, suspects.turn, suspects.number, stated.number AS term
    FROM suspects
    JOIN stated ON stated.conversation_id = suspects.conversation_id AND stated.turn = suspects.turn AND stated.number > 0
    JOIN given ON given.conversation_id = stated.conversation_id AND given.number = stated.number AND given.turn < stated.turn
),
computed AS (
    SELECT others.conversation_id, others.turn, others.number
    FROM (SELECT *, unnest([number - term, term - number, try(number + term)]) AS other FROM terms) AS others
    JOIN given ON given.conversation_id = others.conversation_id AND given.number = others.other AND given.turn < others.turn
    UNION ALL
    SELECT conversation_id, turn, number FROM terms WHERE number % term = 0 AND number / term BETWEEN 2 AND $times
)
SELECT
    conversation_id,
    turn,
    min(raw) AS quote,
    'numbers nobody gave: ' || string_agg(raw, ', ' ORDER BY raw) AS evidence
FROM suspects
ANTI JOIN computed USING (conversation_id, turn, number)
GROUP BY conversation_id, turn
