-- grain: one line of a log file
-- inputs: lines (place, line: text with its ending, or null)
-- what: Requests with their responses, one call of a model a line, as `conversations.chains` links them to conversations. `place`
--     is that of the line times 2^20. `plain` is true where the row is surely what the careful reader
--     (`conversations.readers.openai_calls`) would make of the line; whether `structure`, its JSON types, is covered is decided once
--     for each structure, in `conversations.plain_calls`. `said` is what the request repeats, without leading system messages, and
--     then the reply. `full` is a hash of all that was said, `parent` of what was said up to the last reply that the request repeats
--     (null: it repeats none), `opening` of the first message, `instructions` of the leading system messages.
-- parameters: record_structure = "{}"; says_something = "[^\\pZ\\pC]"; trailing_comma = ",\\s*[}\\]]";
--     not_a_number = "[:,\\[]\\s*-?(?i:nan|inf|infinity)\\s*[,}\\]]";
--     like_parts = "^\\s*(?:\\[[{ ]|\\{.*\"function\")"; seconds = "\\d{9,10}(?:\\.\\d{1,6})?"; milliseconds = "\\d{12,13}";
--     rfc3339 = "(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))|\\d\\d(?:0[48]|[2468][048]|[13579][26])-02-29)T(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?(?:Z|[+-](?:0\\d|1[0-3]):[0-5]\\d)"
WITH parsed AS (
    SELECT
        place,
        structure,
        CASE WHEN structure IS NOT NULL THEN line END AS json,
        CASE WHEN structure IS NOT NULL THEN json_transform(line, $record_structure) END AS r
    FROM (SELECT place, line, TRY(json_structure(line)) AS structure FROM lines)
),
times AS (
    SELECT
        *,
        coalesce(r.timestamp, r.created_at, r.started_at, r.start_time, r.time, r.response.created) AS start_text,
        coalesce(r.ended_at, r.end_time, r.completed_at) AS end_text,
        list_filter([
            r.response.choices[1].message
        ], lambda m: m IS NOT NULL) AS reply
    FROM parsed
),
shaped AS (
    SELECT
        *,
        CASE
            WHEN regexp_full_match(start_text, $rfc3339) THEN TRY_CAST(start_text AS TIMESTAMPTZ)
            WHEN regexp_full_match(start_text, $seconds) THEN make_timestamptz(round(start_text::DOUBLE * 1000000)::BIGINT)
            WHEN regexp_full_match(start_text, $milliseconds) THEN make_timestamptz(start_text::BIGINT * 1000)
        END AS started,
        CASE
            WHEN regexp_full_match(end_text, $rfc3339) THEN TRY_CAST(end_text AS TIMESTAMPTZ)
            WHEN regexp_full_match(end_text, $seconds) THEN make_timestamptz(round(end_text::DOUBLE * 1000000)::BIGINT)
            WHEN regexp_full_match(end_text, $milliseconds) THEN make_timestamptz(end_text::BIGINT * 1000)
        END AS ended,
        list_transform(list_concat(r.request.messages, reply), lambda m: struct_pack(
            role := m.role,
            content := nullif(m.content, ''),
            tool_calls := CASE WHEN len(m.tool_calls) > 0 THEN list_transform(m.tool_calls, lambda c: struct_pack(
                id := c.id,
                name := c.function.name,
                arguments := CASE WHEN c.function.arguments = '' THEN '{}' ELSE coalesce(c.function.arguments, '{}') END
            )) END,
            tool_call_id := nullif(m.tool_call_id, '')
        )) AS messages
    FROM times
),
placed AS (
    SELECT
        *,
        len(messages) AS length,
        coalesce(list_position(list_transform(messages, lambda m: m.role <> 'system'), TRUE), 1) - 1 AS preamble,
        list_transform(messages, lambda m: hash(struct_pack(
            role := m.role,
            content := trim(coalesce(m.content, '')),
            calls := list_transform(m.tool_calls, lambda c: struct_pack(name := c.name, arguments := c.arguments))
        ))) AS digests,
        list_transform(messages, lambda m: m.role = 'assistant') AS answers
    FROM shaped
),
linked AS (
    SELECT
        *,
        coalesce(length - nullif(list_position(list_reverse(answers[:length - 1]), TRUE), 0), 0) AS answered
    FROM placed
)
SELECT
    place * 1048576 AS place,
    structure,
    CASE
        WHEN structure IS NULL OR started IS NULL OR (end_text IS NOT NULL AND ended IS NULL) THEN FALSE
        WHEN contains(json, '\u0000') OR regexp_matches(json, $trailing_comma) THEN FALSE
        WHEN contains(structure, 'DOUBLE') OR contains(structure, 'JSON') THEN NOT regexp_matches(json, $not_a_number)
        ELSE TRUE
    END
    AND len(reply) = 1
    AND len(r.response.choices) = 1
    AND len(r.request.messages) > 0
    AND coalesce(regexp_matches(r.response.id, $says_something), FALSE)
    AND coalesce(messages[preamble + 1].role = 'user' AND messages[length].role = 'assistant', FALSE)
    AND (messages[length].content IS NOT NULL OR messages[length].tool_calls IS NOT NULL)
    AND list_bool_and(list_transform(list_concat(r.request.messages, reply), lambda m:
        coalesce(m.role IN ('system', 'user', 'assistant', 'tool'), FALSE)
        AND (m.content IS NULL OR NOT regexp_matches(m.content, $like_parts))
        AND (m.role <> 'tool' OR (m.name IS NULL AND coalesce(regexp_matches(m.tool_call_id, $says_something), FALSE)))
        AND (m.role = 'assistant' OR m.tool_calls IS NULL)
        AND (m.tool_calls IS NULL OR list_bool_and(list_transform(m.tool_calls, lambda c: coalesce(
            c.id <> '' AND regexp_matches(c.function.name, $says_something) AND json_type(TRY_CAST(c.function.arguments AS JSON)) = 'OBJECT' AND NOT contains(c.function.arguments, '"args_'), FALSE
        ))))
    ))
    AND len(json_keys(json)) = list_unique(json_keys(json))
    AND list_bool_and(list_transform(json_keys(json, '$.**'), lambda k: len(k) = list_unique(k))) AS plain,
    TRUE AS is_call,
    r.response.id AS call_id,
    started,
    CASE WHEN ended >= started THEN ended END AS ended,
    coalesce(
        CASE WHEN regexp_matches(r.session_id, $says_something) THEN r.session_id END,
        CASE WHEN regexp_matches(r.conversation_id, $says_something) THEN r.conversation_id END,
        CASE WHEN regexp_matches(r.thread_id, $says_something) THEN r.thread_id END
    ) AS session,
    coalesce(
        CASE WHEN regexp_matches(r.request.user, $says_something) THEN r.request.user END,
        CASE WHEN regexp_matches(r.user_id, $says_something) THEN r.user_id END,
        CASE WHEN regexp_matches(r.end_user, $says_something) THEN r.end_user END,
        CASE WHEN regexp_matches(r.user, $says_something) THEN r.user END
    ) AS customer,
    coalesce(
        CASE WHEN regexp_matches(r.response.model, $says_something) THEN r.response.model END,
        CASE WHEN regexp_matches(r.request.model, $says_something) THEN r.request.model END
    ) AS model,
    coalesce(
        CASE WHEN regexp_matches(r.scenario, $says_something) THEN r.scenario END,
        CASE WHEN regexp_matches(r.workload_id, $says_something) THEN r.workload_id END
    ) AS scenario,
    CASE WHEN r.response.usage.prompt_tokens IS NOT NULL OR r.response.usage.completion_tokens IS NOT NULL
        THEN r.response.usage END AS usage,
    messages[:preamble] AS system,
    messages[preamble + 1:] AS said,
    length - preamble AS length,
    hash(digests[preamble + 1:]) AS full,
    CASE WHEN answered > preamble THEN hash(digests[preamble + 1:answered]) END AS parent,
    digests[preamble + 1] AS opening,
    hash(digests[:preamble]) AS instructions,
    NULL::VARCHAR AS trace
FROM linked
