-- grain: one line of a log file
-- inputs: lines (place, line: text with its ending, or null)
-- what: Native conversation records as rows of `conversations`, not yet redacted. `plain` is true where the row is surely what the
--     careful reader (`conversations.record`) would make of the line: valid JSON, required fields there, every text that must say
--     something says it, times in RFC 3339 with an offset, no key twice where one is read. Whether `structure`, the line's JSON
--     types, is one that the contract covers is decided once for each structure, in `conversations.plain`. Everything else goes to
--     the careful reader, which says what is wrong. `line_hash` is equal for exact copies. DuckDB reads a trailing comma, NaN and
--     the first of equal keys without a word: hence those conditions. CASE spares lines what does not concern them.
-- parameters: record_structure = "{}"; personal = ["$.customer_name"]; says_something = "[^\\pZ\\pC]"; trailing_comma = ",\\s*[}\\]]";
--     not_a_number = "[:,\\[]\\s*-?(?i:nan|inf|infinity)\\s*[,}\\]]"; rfc3339 = "(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))|\\d\\d(?:0[48]|[2468][048]|[13579][26])-02-29)T(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?(?:Z|[+-](?:0\\d|1[0-3]):[0-5]\\d)"
WITH parsed AS (
    SELECT
        place,
        hash(line) AS line_hash,
        structure,
        CASE WHEN structure IS NOT NULL THEN line END AS json,
        CASE WHEN structure IS NOT NULL THEN json_transform(line, $record_structure) END AS r
    FROM (SELECT place, line, TRY(json_structure(line)) AS structure FROM lines)
),
shaped AS (
    SELECT
        *,
        CASE WHEN regexp_full_match(r.started_at, $rfc3339) THEN TRY_CAST(r.started_at AS TIMESTAMPTZ) END AS started,
        CASE WHEN regexp_full_match(r.ended_at, $rfc3339) THEN TRY_CAST(r.ended_at AS TIMESTAMPTZ) END AS ended,
        list_transform(r.messages, lambda m: struct_pack(
            role := m.role,
            content := m.content,
            created_at := TRY_CAST(m.created_at AS TIMESTAMPTZ),
            action := nullif(m.action, ''),
            tool_calls := CASE WHEN len(m.tool_calls) > 0 THEN list_transform(m.tool_calls, lambda c: struct_pack(
                id := nullif(c.id, ''),
                name := c.function.name,
                arguments := c.function.arguments
            )) END,
            tool_call_id := nullif(m.tool_call_id, ''),
            usage := CASE WHEN m.usage.prompt_tokens IS NOT NULL OR m.usage.completion_tokens IS NOT NULL THEN m.usage END
        )) AS messages,
        coalesce(r.feedback.score, r.feedback.rating) AS score,
        nullif(r.feedback.comment, '') AS comment
    FROM parsed
)
SELECT
    place,
    structure,
    line_hash,
    CASE
        WHEN structure IS NULL OR coalesce(ended < started, TRUE) OR started < TIMESTAMPTZ '0002-01-01 00:00:00Z' THEN FALSE
        WHEN contains(json, '\u0000') OR regexp_matches(json, $trailing_comma) THEN FALSE
        WHEN contains(structure, 'DOUBLE') THEN NOT regexp_matches(json, $not_a_number)
        ELSE TRUE
    END
    AND coalesce(regexp_matches(r.conversation_id, $says_something) AND regexp_matches(r.user_id, $says_something), FALSE)
    AND coalesce(list_bool_or(list_transform(messages, lambda m: m.role = 'user')), FALSE)
    AND list_bool_and(list_transform(
        messages, lambda m: coalesce(m.role IN ('system', 'user', 'assistant', 'tool'), FALSE)
    ))
    AND CASE WHEN contains(structure, '"created_at":"VARCHAR"') THEN
        regexp_full_match(array_to_string(list_transform(r.messages, lambda m: m.created_at), ' '), '(?:' || $rfc3339 || '(?: |$))+')
    ELSE TRUE END
    AND CASE WHEN r.feedback IS NOT NULL THEN
        len(json_keys(json, '$.feedback')) = list_unique(json_keys(json, '$.feedback'))
        AND (r.feedback.thumb IS NULL OR r.feedback.thumb IN ('up', 'down'))
        AND (score IS NULL OR score BETWEEN 1 AND 5)
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
        AND list_bool_and(list_transform(messages, lambda m: m.tool_calls IS NULL OR list_bool_and(list_transform(
            m.tool_calls, lambda c: coalesce(c.arguments IS NOT NULL AND regexp_matches(c.name, $says_something), FALSE)
        ))))
    ELSE TRUE END
    AND len(json_keys(json)) = list_unique(json_keys(json))
    AND list_bool_and(list_transform(json_keys(json, '$.messages[*]'), lambda k: len(k) = list_unique(k))) AS plain,
    r.conversation_id AS conversation_id,
    r.user_id AS user_id,
    nullif(r.channel, '') AS channel,
    coalesce(nullif(r.scenario, ''), 'unknown') AS scenario,
    nullif(r.locale, '') AS locale,
    nullif(r.model, '') AS model,
    started AS started_at,
    ended AS ended_at,
    messages,
    CASE WHEN r.feedback.thumb IS NOT NULL OR score IS NOT NULL OR comment IS NOT NULL
        THEN struct_pack(thumb := r.feedback.thumb, score := score, comment := comment) END AS feedback,
    list_filter(json_extract_string(json, $personal), lambda text: text <> '') AS personal
FROM shaped
