-- grain: one value with a digit in it, by who put it into the conversation, with the first turn that did
-- inputs: turns, calls
-- relation: facts
-- what: Either `number` ("1,200.00" is 1200, "05" is 5, "two" and 两 are 2, 3 pm is also 15) or `id`, such as a1b2, in lower case.
--     `source` is given (a user, a tool, or the system prompt), call (arguments of a tool call) or reply (the assistant said it).
-- parameters: words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
--     hanzi = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十"]
WITH texts AS (
    SELECT conversation_id, turn, CASE WHEN role = 'assistant' THEN 'reply' ELSE 'given' END AS source, lower(content) AS text
    FROM turns
    WHERE content IS NOT NULL
    UNION ALL
    SELECT conversation_id, turn, 'call' AS source, lower(arguments) AS text FROM calls
),
raw AS (
    SELECT
        conversation_id,
        turn,
        source,
        unnest(
            list_concat(
                CASE WHEN digits THEN regexp_extract_all(text, '\d+(?:[,.]\d+)*') END,
                CASE WHEN digits THEN regexp_extract_all(text, '[a-z0-9_-]*[a-z_-]\d[a-z0-9_-]*|\d+[a-z][a-z0-9_-]*') END,
                flatten([
                    [hour, ((hour::INT + 12) % 24)::VARCHAR]
                    FOR hour IN CASE WHEN digits THEN regexp_extract_all(text, '(\d{1,2})(?::\d\d| ?[ap]\.?m|点)', 1) END
                ]),
                [
                    coalesce(list_position($words, word), list_position($hanzi, word))::VARCHAR
                    FOR word IN regexp_extract_all(
                        replace(text, '两', '二'),
                        '\b(?:' || array_to_string($words, '|') || ')\b|' || array_to_string($hanzi, '|')
                    )
                ]
            )
        ) AS value
    FROM (SELECT *, regexp_matches(text, '\d') AS digits FROM texts)
)
SELECT
    conversation_id,
    source,
    CASE WHEN number IS NULL THEN value END AS id,
    number,
    min(turn) AS turn
FROM (SELECT *, try_cast(replace(value, ',', '') AS DECIMAL(38, 4)) AS number FROM raw)
GROUP BY ALL
