-- grain: one line of a log file
-- inputs: records (place, line: text or null, trusted, r: the record as JSON types have it, personal: list of texts), from
--     `ingest/native_lines` or from Arrow (`conversations.arrow_lines`)
-- what: Native conversation records as rows of `conversations`, not yet redacted. `plain` is true where the row is surely what the
--     careful reader (`conversations.record`) would make of the line: `trusted`, required fields there, every text that must say
--     something says it, times in RFC 3339 with an offset. Everything else goes to the careful reader, which says what is wrong.
--     `line_hash` is equal for exact copies.
-- parameters: says_something = "[^\\pZ\\pC]";
--     rfc3339 = "(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))|\\d\\d(?:0[48]|[2468][048]|[13579][26])-02-29)T(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?(?:Z|[+-](?:0\\d|1[0-3]):[0-5]\\d)"
WITH shaped AS (
    SELECT
        *,
        CASE WHEN regexp_full_match(r.started_at, $rfc3339) THEN TRY_CAST(r.started_at AS TIMESTAMPTZ) END AS started,
        CASE WHEN regexp_full_match(r.ended_at, $rfc3339) THEN TRY_CAST(r.ended_at AS TIMESTAMPTZ) END AS ended,
        list_transform(r.messages, lambda m: struct_pack(
            role := m.role,
            content := CASE WHEN m.refusal <> '' THEN concat_ws(chr(10), nullif(m.content, ''), m.refusal) ELSE m.content END,
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
    FROM records
)
SELECT
    place,
    hash(line) AS line_hash,
    trusted
    AND NOT contains(line, '\u0000')
    AND coalesce(ended >= started, FALSE)
    AND started >= TIMESTAMPTZ '0002-01-01 00:00:00Z'
    AND coalesce(regexp_matches(r.conversation_id, $says_something) AND regexp_matches(r.user_id, $says_something), FALSE)
    AND coalesce(list_bool_or(list_transform(messages, lambda m: m.role = 'user')), FALSE)
    AND list_bool_and(list_transform(
        messages, lambda m: coalesce(m.role IN ('system', 'user', 'assistant', 'tool'), FALSE)
    ))
    AND regexp_full_match(
        coalesce(array_to_string(list_transform(r.messages, lambda m: m.created_at), ' '), ''),
        '(?:' || $rfc3339 || '(?: ' || $rfc3339 || ')*)?'
    )
    AND CASE WHEN r.feedback IS NOT NULL THEN
        (r.feedback.thumb IS NULL OR r.feedback.thumb IN ('up', 'down'))
        AND (score IS NULL OR score BETWEEN 1 AND 5)
        AND isfinite(coalesce(r.feedback.rating, 0))
    ELSE TRUE END
    AND list_bool_and(list_transform(messages, lambda m: m.tool_calls IS NULL OR list_bool_and(list_transform(
        m.tool_calls, lambda c: coalesce(c.arguments IS NOT NULL AND regexp_matches(c.name, $says_something), FALSE)
    ))))
    AND list_bool_and(list_transform(
        r.messages, lambda m: coalesce(m.usage.prompt_tokens, 0) >= 0 AND coalesce(m.usage.completion_tokens, 0) >= 0
    )) AS plain,
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
    personal
FROM shaped
