-- id: ungrounded_name
-- version: 3
-- issue_type: hallucination
-- severity: minor
-- language: en, zh
-- finds: A reply that uses a capitalised Latin name, or an id of letters and digits, which no user turn, tool result, tool call or
--     knowledge unit before it contains, in Chinese text as well; only where the log shows sources at all.
-- grain: one reply
-- inputs: replies, turns, calls, known
-- parameters: ignore = "please|thank|thanks|sorry|hello|yes|okay|sir|miss|madam|monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april|may|june|july|august|september|october|november|december"
WITH stated AS (
    SELECT DISTINCT
        conversation_id,
        turn,
        unnest(
            list_concat(
                regexp_extract_all(text, '(?:[a-z,]\s|\p{Han})([A-Z][a-z]{2,})', 1),
                regexp_extract_all(text, '\b([A-Z]+\d[A-Z0-9]{2,}|[A-Z]{2,}-?\d{3,})\b', 1)
            )
        ) AS name
    FROM (
        SELECT conversation_id, turn, regexp_replace(content, '<[A-Z]+_\d+>', ' ', 'g') AS text
        FROM replies
        CROSS JOIN known
        WHERE sourced OR known.units > 0
    )
),
texts AS (
    SELECT conversation_id, turn, lower(content) AS text FROM turns WHERE role <> 'assistant' AND content IS NOT NULL
    UNION ALL
    SELECT conversation_id, turn, lower(arguments) AS text FROM calls
),
named AS (
    SELECT stated.conversation_id, stated.turn, stated.name
    FROM stated
    JOIN texts ON texts.conversation_id = stated.conversation_id AND texts.turn < stated.turn
    WHERE contains(texts.text, lower(stated.name))
)
SELECT
    conversation_id,
    turn,
    min(name) AS quote,
    'names nobody gave: ' || string_agg(name, ', ' ORDER BY name) AS evidence
FROM stated
ANTI JOIN named USING (conversation_id, turn, name)
CROSS JOIN known
WHERE NOT regexp_full_match(lower(name), $ignore) AND NOT contains(known.text, lower(name))
GROUP BY conversation_id, turn
