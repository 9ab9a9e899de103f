-- id: guessed_name
-- version: 3
-- issue_type: unclarified_demand
-- severity: minor
-- language: en, zh
-- finds: A tool call with a name, place or address of which no word was said before by the user, a tool, the assistant to the user, or
--     the knowledge base.
-- grain: one guessed value, at the first call that uses it
-- inputs: calls, turns, known
-- parameters: keys = "name|city|address|street|place|location|destination|origin|hotel|restaurant|姓名|名称|地址|城市|地点|酒店|餐厅|景点"; known_words = "none|null|unknown|user|customer|any|don|care|true|false|equal|api"
WITH used AS (
    SELECT conversation_id, turn, key, arguments, json_extract_string(object, '/' || replace(replace(key, '~', '~0'), '/', '~1')) AS value
    FROM (SELECT *, unnest(json_keys(object)) AS key FROM calls WHERE object IS NOT NULL)
    WHERE regexp_matches(key, $keys, 'i')
),
worded AS (
    SELECT *, regexp_extract_all(lower(value), '[a-z]{3,}|\p{Han}{2,}') AS words
    FROM used
    WHERE value IS NOT NULL AND NOT regexp_matches(value, '[{\[\d]|^[A-Z]{2,4}$') AND NOT regexp_matches(lower(value), '\b(' || $known_words || ')\b')
),
named AS (
    SELECT worded.conversation_id, worded.turn, worded.key
    FROM worded
    JOIN turns ON turns.conversation_id = worded.conversation_id AND turns.turn <= worded.turn
    WHERE len(list_filter(worded.words, lambda word: contains(lower(turns.content), substr(word, 1, 4)))) > 0
)
SELECT
    worded.conversation_id,
    min(worded.turn) AS turn,
    CASE WHEN contains(arg_min(worded.arguments, worded.turn), worded.value) THEN worded.value ELSE arg_min(worded.key, worded.turn) END AS quote,
    'nobody named this ' || min(worded.key) AS evidence
FROM worded
ANTI JOIN named USING (conversation_id, turn, key)
CROSS JOIN known
WHERE len(worded.words) > 0 AND len(list_filter(worded.words, lambda word: contains(known.text, word))) = 0
GROUP BY worded.conversation_id, worded.value
