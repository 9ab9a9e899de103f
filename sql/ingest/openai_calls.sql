-- grain: one line of a log file
-- inputs: lines (place, line: text with its ending, or null)
-- what: Requests with their responses, one call of a model a line, as `conversations.chains` links them to conversations. `place`
--     is that of the line times 2^20. `plain` is true where the row is surely what the careful reader
--     (`conversations.readers.openai_calls`) would make of the line; whether `structure`, its JSON types, is covered is decided once
--     for each structure, in `conversations.plain_calls`. `said` is what the request repeats, without leading system messages, and
--     then the reply. `full` is a hash of all that was said, `parent` of what was said up to the last reply that the request repeats
--     (null: it repeats none), `opening` of the first message, `instructions` of the leading system messages. Arguments logged as
--     objects are spaced as Python spaces them, for equality with the careful reader.
-- parameters: record_structure = "{}"; says_something = "[^\\pZ\\pC]"; trailing_comma = ",\\s*[}\\]]";
--     not_a_number = "[:,\\[]\\s*-?(?i:nan|inf|infinity)\\s*[,}\\]]";
--     names = ""; up = ["up"]; down = ["down"];
--     part_structure = "[{\"type\":\"VARCHAR\",\"text\":\"VARCHAR\"}]"; part_keys = ["type", "text", "annotations", "cache_control"];
--     contents_not_texts = "\"content\":(?:[\\[{]|\"[^VN])"; arguments_not_texts = "\"arguments\":(?:[\\[{]|\"[^VN])";
--     tokens = "(\"(?:[^\"\\\\]|\\\\.)*\"|-?[0-9][0-9.]*|true|false|null|[\\]}])"; hard_to_write = "\\\\u|[0-9][eE][0-9+-]|[0-9]{17}|[0-9]\\.[0-9]{15}|0\\.0000|-0(?:[^.]|$)|\\x7f";
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
        coalesce(r.timestamp, r.created_at, r.started_at, r.start_time, r.time) AS noted,
        coalesce(r.timestamp, r.created_at, r.started_at, r.start_time, r.time, r.response.created) AS start_text,
        coalesce(r.ended_at, r.end_time, r.completed_at) AS end_text,
        list_filter([
            r.response.choices[1].message
        ], lambda m: m IS NOT NULL) AS reply,
        json_keys(json) AS names_here,
        CASE WHEN contains(structure, '"metadata"') THEN json_keys(json, '$.metadata') END AS names_beside,
        CASE WHEN regexp_matches(structure, $contents_not_texts) THEN list_concat(
            json_type(json, '$.request.messages[*].content'), json_type(json, '$.response.choices[*].message.content')
        ) END AS content_types,
        CASE WHEN regexp_matches(structure, $arguments_not_texts) THEN
            list_distinct(json_type(json, '$.request.messages[*].tool_calls[*].function.arguments'))
        END AS asked_types,
        CASE WHEN regexp_matches(structure, $arguments_not_texts) THEN
            list_distinct(json_type(json, '$.response.choices[*].message.tool_calls[*].function.arguments'))
        END AS replied_types
    FROM parsed
),
said AS (
    SELECT
        *,
        list_transform(
            list_concat(
                list_transform(r.request.messages, lambda m: struct_pack(m := m, objects := asked_types)),
                list_transform(reply, lambda m: struct_pack(m := m, objects := replied_types))
            ),
            lambda x: struct_pack(
                m := x.m,
                objects := coalesce(x.objects = ['OBJECT'], FALSE),
                parts := CASE WHEN content_types IS NOT NULL AND starts_with(x.m.content, '[') AND json_valid(x.m.content)
                    THEN json_transform(CASE WHEN json_valid(x.m.content) THEN x.m.content ELSE '[]' END, $part_structure) END
            )
        ) AS turns
    FROM times
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
        list_transform(turns, lambda x: struct_pack(
            role := CASE WHEN x.m.role = 'developer' THEN 'system' ELSE x.m.role END,
            content := nullif(CASE
                WHEN x.parts IS NULL THEN x.m.content
                ELSE array_to_string(list_transform(
                    list_filter(x.parts, lambda p: x.m.role <> 'tool' OR p.text <> ''), lambda p: p.text
                ), chr(10))
            END, ''),
            tool_calls := CASE WHEN len(x.m.tool_calls) > 0 THEN list_transform(x.m.tool_calls, lambda c: struct_pack(
                id := c.id,
                name := c.function.name,
                arguments := CASE
                    WHEN x.objects THEN replace(replace(replace(regexp_replace(
                        c.function.arguments, $tokens, '\1' || chr(1), 'g'
                    ), chr(1) || ':', ': '), chr(1) || ',', ', '), chr(1), '')
                    WHEN c.function.arguments = '' THEN '{}'
                    ELSE coalesce(c.function.arguments, '{}')
                END
            )) END,
            tool_call_id := nullif(x.m.tool_call_id, '')
        )) AS messages
    FROM said
),
placed AS (
    SELECT
        *,
        len(messages) AS length,
        coalesce(list_position(list_transform(messages, lambda m: m.role <> 'system'), TRUE), 1) - 1 AS preamble,
        list_transform(messages, lambda m: hash(m)) AS digests,
        list_transform(messages, lambda m: m.role = 'assistant') AS answers,
        struct_pack(
            session_id := CASE
                WHEN list_contains(names_here, 'session_id') THEN r."session_id"
                WHEN list_contains(names_beside, 'session_id') THEN r.metadata."session_id"
                ELSE r.request.metadata."session_id"
            END,
            conversation_id := CASE
                WHEN list_contains(names_here, 'conversation_id') THEN r."conversation_id"
                WHEN list_contains(names_beside, 'conversation_id') THEN r.metadata."conversation_id"
                ELSE r.request.metadata."conversation_id"
            END,
            thread_id := CASE
                WHEN list_contains(names_here, 'thread_id') THEN r."thread_id"
                WHEN list_contains(names_beside, 'thread_id') THEN r.metadata."thread_id"
                ELSE r.request.metadata."thread_id"
            END,
            user_id := CASE
                WHEN list_contains(names_here, 'user_id') THEN r."user_id"
                WHEN list_contains(names_beside, 'user_id') THEN r.metadata."user_id"
                ELSE r.request.metadata."user_id"
            END,
            end_user := CASE
                WHEN list_contains(names_here, 'end_user') THEN r."end_user"
                WHEN list_contains(names_beside, 'end_user') THEN r.metadata."end_user"
                ELSE r.request.metadata."end_user"
            END,
            user := CASE
                WHEN list_contains(names_here, 'user') THEN r."user"
                WHEN list_contains(names_beside, 'user') THEN r.metadata."user"
                ELSE r.request.metadata."user"
            END,
            scenario := CASE
                WHEN list_contains(names_here, 'scenario') THEN r."scenario"
                WHEN list_contains(names_beside, 'scenario') THEN r.metadata."scenario"
                ELSE r.request.metadata."scenario"
            END,
            workload_id := CASE
                WHEN list_contains(names_here, 'workload_id') THEN r."workload_id"
                WHEN list_contains(names_beside, 'workload_id') THEN r.metadata."workload_id"
                ELSE r.request.metadata."workload_id"
            END
        ) AS about
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
    coalesce(CASE
        WHEN structure IS NULL OR started IS NULL OR (end_text IS NOT NULL AND ended IS NULL) THEN FALSE
        WHEN contains(json, '\u0000') OR regexp_matches(json, $trailing_comma) THEN FALSE
        WHEN $names <> '' AND (contains(structure, '"JSON"') OR contains(structure, '"key"')) AND regexp_matches(json, $names) THEN FALSE
        WHEN contains(structure, 'DOUBLE') OR contains(structure, 'JSON') THEN NOT regexp_matches(json, $not_a_number)
        ELSE TRUE
    END
    AND len(reply) = 1
    AND len(r.response.choices) = 1
    AND r.response.object IS DISTINCT FROM 'chat.completion.chunk'
    AND len(r.request.messages) > 0
    AND coalesce(regexp_matches(r.response.id, $says_something), FALSE)
    AND coalesce(messages[preamble + 1].role = 'user' AND messages[length].role = 'assistant', FALSE)
    AND (messages[length].content IS NOT NULL OR messages[length].tool_calls IS NOT NULL)
    AND (content_types IS NULL OR (
        list_has_all(['VARCHAR', 'NULL', 'ARRAY'], content_types)
        AND len(list_filter(content_types, lambda t: t = 'ARRAY')) = len(list_filter(turns, lambda x: starts_with(x.m.content, '[')))
    ))
    AND (asked_types IS NULL OR (len(asked_types) <= 1 AND len(replied_types) <= 1))
    AND list_bool_and(list_transform(turns, lambda x:
        coalesce(x.m.role IN ('system', 'developer', 'user', 'assistant', 'tool'), FALSE)
        AND CASE
            WHEN x.m.content IS NULL THEN TRUE
            WHEN x.parts IS NULL THEN NOT regexp_matches(x.m.content, $like_parts)
            ELSE len(x.parts) > 0
                AND list_bool_and(list_transform(x.parts, lambda p: coalesce(p.type IN ('text', 'input_text', 'output_text'), FALSE)))
                AND list_bool_and(list_transform(
                    json_keys(x.m.content, '$[*]'), lambda k: list_has_all($part_keys, k) AND list_has_all(k, ['type', 'text'])
                ))
                AND list_distinct(json_type(x.m.content, '$[*].text')) = ['VARCHAR']
        END
        AND (x.m.role <> 'tool' OR coalesce(regexp_matches(x.m.tool_call_id, $says_something), FALSE))
        AND (x.m.role = 'assistant' OR x.m.tool_calls IS NULL)
        AND (x.m.tool_calls IS NULL OR list_bool_and(list_transform(x.m.tool_calls, lambda c: coalesce(
            c.id <> '' AND regexp_matches(c.function.name, $says_something)
            AND json_type(TRY_CAST(c.function.arguments AS JSON)) = 'OBJECT' AND NOT contains(c.function.arguments, '"args_')
            AND NOT (x.objects AND regexp_matches(c.function.arguments, $hard_to_write)), FALSE
        ))))
    ))
    -- A message that says nothing, not even null, is none to the careful reader.
    AND CASE WHEN list_bool_or(list_transform(messages, lambda m: m.content IS NULL AND m.tool_calls IS NULL)) THEN
        list_bool_and(list_transform(json_keys(json, '$.request.messages[*]'), lambda k: list_has_any(k, ['content', 'tool_calls'])))
        ELSE TRUE
    END
    -- A tool's name may lead the careful reader to a call of another id, unless its own is among those of the turn before it.
    AND CASE WHEN len(list_filter(turns, lambda x: x.m.role = 'tool' AND x.m.name IS NOT NULL)) > 0 THEN
        list_bool_and(list_transform(turns, lambda x, i: x.m.role <> 'tool' OR x.m.name IS NULL OR coalesce(
            list_contains(
                list_transform(list_filter(messages[:i - 1], lambda m: m.tool_calls IS NOT NULL)[-1].tool_calls, lambda c: c.id),
                x.m.tool_call_id
            )
            AND NOT list_contains(
                list_transform(
                    messages[i - coalesce(list_position(list_reverse(list_transform(messages[:i - 1], lambda m: m.tool_calls IS NOT NULL)), TRUE), 0):i - 1],
                    lambda m: m.tool_call_id
                ),
                x.m.tool_call_id
            ), FALSE
        )))
        ELSE TRUE
    END
    AND (r.feedback.thumb IS NULL OR list_contains(list_concat($up, $down), lower(r.feedback.thumb)))
    AND (r.feedback.comment IS NULL OR regexp_matches(r.feedback.comment, $says_something))
    AND (r.feedback IS NULL OR noted IS NOT NULL)
    AND len(names_here) = list_unique(names_here)
    AND list_bool_and(list_transform(json_keys(json, '$.**'), lambda k: len(k) = list_unique(k))), FALSE) AS plain,
    TRUE AS is_call,
    r.response.id AS call_id,
    started,
    CASE WHEN ended >= started THEN ended END AS ended,
    coalesce(
        CASE WHEN regexp_matches(about.session_id, $says_something) THEN about.session_id END,
        CASE WHEN regexp_matches(about.conversation_id, $says_something) THEN about.conversation_id END,
        CASE WHEN regexp_matches(about.thread_id, $says_something) THEN about.thread_id END
    ) AS session,
    coalesce(
        CASE WHEN regexp_matches(r.request.user, $says_something) THEN r.request.user END,
        CASE WHEN regexp_matches(about.user_id, $says_something) THEN about.user_id END,
        CASE WHEN regexp_matches(about.end_user, $says_something) THEN about.end_user END,
        CASE WHEN regexp_matches(about.user, $says_something) THEN about.user END
    ) AS customer,
    coalesce(
        CASE WHEN regexp_matches(r.response.model, $says_something) THEN r.response.model END,
        CASE WHEN regexp_matches(r.request.model, $says_something) THEN r.request.model END
    ) AS model,
    coalesce(
        CASE WHEN regexp_matches(about.scenario, $says_something) THEN about.scenario END,
        CASE WHEN regexp_matches(about.workload_id, $says_something) THEN about.workload_id END
    ) AS scenario,
    CASE WHEN r.response.usage.prompt_tokens IS NOT NULL OR r.response.usage.completion_tokens IS NOT NULL
        THEN r.response.usage END AS usage,
    CASE WHEN r.feedback.thumb IS NOT NULL OR r.feedback.comment IS NOT NULL OR r.feedback.score BETWEEN 1 AND 5
        OR r.feedback.rating BETWEEN 1 AND 5 THEN struct_pack(
            thumb := CASE WHEN r.feedback.thumb IS NOT NULL THEN
                CASE WHEN list_contains($up, lower(r.feedback.thumb)) THEN 'up' ELSE 'down' END END,
            score := coalesce(
                CASE WHEN r.feedback.score BETWEEN 1 AND 5 THEN r.feedback.score END,
                CASE WHEN r.feedback.rating BETWEEN 1 AND 5 THEN r.feedback.rating END
            ),
            comment := r.feedback.comment
        )
    END AS feedback,
    messages[:preamble] AS system,
    messages[preamble + 1:] AS said,
    length - preamble AS length,
    hash(digests[preamble + 1:]) AS full,
    CASE WHEN answered > preamble THEN hash(digests[preamble + 1:answered]) END AS parent,
    hash(struct_pack(
        role := messages[preamble + 1].role, content := trim(coalesce(messages[preamble + 1].content, ''))
    )) AS opening,
    hash(digests[:preamble]) AS instructions,
    NULL::VARCHAR AS trace
FROM linked
