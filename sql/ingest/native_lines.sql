-- grain: one line of a log file
-- inputs: lines (place, line: text with its ending, or null)
-- what: JSON lines as native records, for `ingest/native_records`. `trusted` is true where `r` is all that the line says in the
--     fields that are read: valid JSON, no key twice where one is read. Whether `structure`, the line's JSON types, is one that the
--     contract covers is decided once for each structure, in `conversations.plain`. DuckDB reads a trailing comma, NaN and the
--     first of equal keys without a word: hence the conditions. CASE spares lines what does not concern them.
-- parameters: record_structure = "{}"; personal = ["$.customer_name"]; trailing_comma = ",\\s*[}\\]]";
--     not_a_number = "[:,\\[]\\s*-?(?i:nan|inf|infinity)\\s*[,}\\]]"
WITH parsed AS (
    SELECT
        place,
        line,
        structure,
        CASE WHEN structure IS NOT NULL THEN line END AS json,
        CASE WHEN structure IS NOT NULL THEN json_transform(line, $record_structure) END AS r
    FROM (SELECT place, line, TRY(json_structure(line)) AS structure FROM lines)
)
SELECT
    place,
    line,
    structure,
    CASE
        WHEN structure IS NULL OR regexp_matches(json, $trailing_comma) THEN FALSE
        WHEN contains(structure, 'DOUBLE') THEN NOT regexp_matches(json, $not_a_number)
        ELSE TRUE
    END
    AND CASE WHEN r.feedback IS NOT NULL THEN
        len(json_keys(json, '$.feedback')) = list_unique(json_keys(json, '$.feedback'))
    ELSE TRUE END
    AND CASE WHEN contains(structure, '"usage":{') THEN
        list_bool_and(list_transform(json_keys(json, '$.messages[*].usage'), lambda k: len(k) = list_unique(k)))
    ELSE TRUE END
    AND CASE WHEN contains(structure, '"tool_calls":[{') THEN
        len(flatten(json_keys(json, '$.messages[*].tool_calls[*].function')))
            = 2 * list_sum(list_transform(r.messages, lambda m: coalesce(len(m.tool_calls), 0)))
        AND len(flatten(json_keys(json, '$.messages[*].tool_calls[*]'))) = list_sum(list_transform(r.messages, lambda m: coalesce(
            list_sum(list_transform(m.tool_calls, lambda c: 1 + (c.id IS NOT NULL)::INT + (c.type IS NOT NULL)::INT)), 0
        )))
    ELSE TRUE END
    AND len(json_keys(json)) = list_unique(json_keys(json))
    AND list_bool_and(list_transform(json_keys(json, '$.messages[*]'), lambda k: len(k) = list_unique(k))) AS trusted,
    r,
    list_filter(json_extract_string(json, $personal), lambda text: text <> '') AS personal
FROM parsed
