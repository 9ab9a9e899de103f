-- id: ungrounded_number
-- version: 3
-- issue_type: hallucination
-- severity: major
-- finds: A reply that states a number which no user turn, tool result, tool call or knowledge unit contains, nor arithmetic on a known
--     number that the reply itself names; only where the log shows sources at all (tool results, or a knowledge base).
-- grain: one reply
-- inputs: replies, facts, calls, knowledge
-- parameters: units = "days?|hours?|minutes?|mins?|dollars?|percent|usd"; signs = "%|元|块|天|小时|分钟|折"; times = 9
WITH stated AS (
    SELECT conversation_id, turn, raw, try_cast(replace(raw, ',', '') AS DECIMAL(38, 4)) AS number, weighty
    FROM (
        SELECT
            conversation_id,
            turn,
            unnest(regexp_extract_all(text, '\d+(?:[,.]\d+)*')) AS raw,
            unnest(regexp_extract_all(text, '\d+(?:[,.]\d+)*( ?(?:(?:' || $units || ')\b|' || $signs || ')|)', 1)) <> '' AS weighty
        FROM (
            SELECT conversation_id, turn, regexp_replace(lower(content), '<[a-z]+_\d+>|(^|\n) *\d+[.)] ', ' ', 'g') AS text
            FROM replies
        )
    )
),
known AS (
    SELECT conversation_id, number, min(turn) AS turn
    FROM facts
    WHERE number IS NOT NULL AND source <> 'reply'
    GROUP BY ALL
),
suspects AS (
    SELECT DISTINCT conversation_id, turn, raw, number
    FROM stated
    WHERE (number >= 10 OR weighty)
        AND (
            conversation_id IN (SELECT conversation_id FROM calls WHERE result IS NOT NULL)
            OR EXISTS (SELECT 1 FROM knowledge)
        )
        AND NOT EXISTS (
            SELECT 1
            FROM known
            WHERE known.number = stated.number
                AND (known.conversation_id = '*' OR (known.conversation_id = stated.conversation_id AND known.turn < stated.turn))
        )
),
terms AS (
    SELECT DISTINCT suspects.conversation_id, suspects.turn, suspects.raw, suspects.number, stated.number AS term
    FROM suspects
    JOIN stated ON stated.conversation_id = suspects.conversation_id AND stated.turn = suspects.turn
    JOIN known
        ON known.conversation_id = stated.conversation_id AND known.number = stated.number AND known.turn < stated.turn
    WHERE stated.number > 0
),
computed AS (
    SELECT terms.conversation_id, terms.turn, terms.number
    FROM (
        SELECT *, unnest([number - term, term - number, try(number + term)]) AS other FROM terms
    ) AS terms
    JOIN known ON known.conversation_id = terms.conversation_id AND known.number = terms.other AND known.turn < terms.turn
    UNION
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
