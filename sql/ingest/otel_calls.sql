-- grain: one span of a line of a log file; a line without spans, or that is not covered, gives one row
-- inputs: lines (place, line: text with its ending, or null)
-- what: Calls of a model in OTLP JSON, by the conventions of OpenTelemetry for generative AI with messages as JSON text, as
--     `conversations.chains` links them to conversations. `place` is that of the line times 2^20, plus the span's. `plain` and the
--     other columns are as in `openai_calls`; `is_call` is false for a span that is surely no call of a model. The texts of
--     arguments and results that are logged as JSON are spaced as Python spaces them, for equality with the careful reader.
-- parameters: record_structure = "{}"; says_something = "[^\\pZ\\pC]"; trailing_comma = ",\\s*[}\\]]";
--     not_a_number = "[:,\\[]\\s*-?(?i:nan|inf|infinity)\\s*[,}\\]]";
--     elsewhere = "^(?:llm\\.|gen_ai\\.(?:prompt|completion|event|evaluation|span)|weave\\.|opik\\.|ai\\.|openinference\\.|traceloop\\.|annotations|input\\.|output\\.|operation\\.name|events?$|langfuse\\.|langsmith\\.|mlflow\\.|lk\\.|gcp\\.vertex|request_data$|response_data$|(?:in|out)put$)";
--     personal = ["customer.name"]; names = "";
--     operations = ["chat", "text_completion", "generate_content", "completion"];
--     message_structure = "[{\"role\":\"VARCHAR\",\"parts\":[{\"type\":\"VARCHAR\",\"content\":\"VARCHAR\",\"id\":\"VARCHAR\",\"name\":\"VARCHAR\",\"arguments\":\"JSON\",\"response\":\"JSON\",\"result\":\"JSON\"}]}]";
--     part_structure = "[{\"type\":\"VARCHAR\",\"content\":\"VARCHAR\"}]";
--     tokens = "(\"(?:[^\"\\\\]|\\\\.)*\"|-?[0-9][0-9.]*|true|false|null|[\\]}])"; hard_to_write = "\\\\u|[0-9][eE][0-9+-]|[0-9]{17}|[0-9]\\.[0-9]{15}|\\x7f"
WITH parsed AS (
    SELECT
        place AS line_place,
        structure,
        CASE WHEN structure IS NOT NULL THEN line END AS json,
        CASE WHEN structure IS NOT NULL THEN json_transform(line, $record_structure) END AS r
    FROM (SELECT place, line, TRY(json_structure(line)) AS structure FROM lines)
),
spans AS (
    SELECT
        line_place,
        structure,
        json,
        span.span AS span,
        span.service AS service,
        span.many AS many,
        span.named AS named
    FROM (
        SELECT
            *,
            unnest(CASE WHEN len(found) > 0 THEN found ELSE [NULL] END) AS span
        FROM (
            SELECT
                *,
                flatten(list_transform(r.resourceSpans, lambda g: flatten(list_transform(g.scopeSpans, lambda s: list_transform(
                    s.spans,
                    lambda p: struct_pack(
                        span := p,
                        service := list_filter(g.resource.attributes, lambda a: a.key = 'service.name')[1].value.stringValue,
                        named := list_has_any(
                            list_concat(
                                list_transform(list_concat(g.resource.attributes, p.attributes), lambda a: a.key),
                                flatten(list_transform(p.events, lambda e: list_transform(e.attributes, lambda a: a.key)))
                            ), $personal
                        ),
                        many := coalesce(len(list_filter(g.resource.attributes, lambda a: a.key = 'service.name')), 0) > 1
                    )
                ))))) AS found
            FROM parsed
        )
    )
),
named AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY line_place) - 1 AS ordinal,
        list_transform(span.attributes, lambda a: a.key) AS keys,
        list_contains(list_transform(span.events, lambda e: e.name), 'gen_ai.evaluation.result') AS evaluated,
        CASE WHEN len(span.attributes) > 0 AND len(span.attributes) = list_unique(list_transform(span.attributes, lambda a: a.key))
            THEN map_from_entries(list_transform(span.attributes, lambda a: struct_pack(
                k := a.key, v := coalesce(a.value.stringValue, a.value.intValue)
            ))) END AS about
    FROM spans
),
transformed AS (
    SELECT
        *,
        TRY(json_transform(input, $message_structure)) AS messages_asked,
        TRY(json_transform(output, $message_structure)) AS answered,
        TRY(json_transform(instructions, $part_structure)) AS instructed
    FROM (
        SELECT
            *,
            about['gen_ai.operation.name'] AS operation,
            CASE WHEN json_valid(about['gen_ai.input.messages']) THEN about['gen_ai.input.messages'] END AS input,
            CASE WHEN json_valid(about['gen_ai.output.messages']) THEN about['gen_ai.output.messages'] END AS output,
            CASE WHEN json_valid(about['gen_ai.system_instructions']) THEN about['gen_ai.system_instructions'] END AS instructions
        FROM named
    )
),
read AS (
    SELECT
        * EXCLUDE (messages_asked),
        -- Results of parallel calls may share a message of role tool.
        flatten(list_transform(messages_asked, lambda m: CASE
            WHEN m.role = 'tool' AND len(m.parts) > 1 THEN list_transform(m.parts, lambda p: struct_pack(role := m.role, parts := [p]))
            ELSE [m]
        END)) AS asked
    FROM transformed
),
shaped AS (
    SELECT
        *,
        list_concat(
            CASE WHEN len(instructed) > 0 THEN [struct_pack(
                role := 'system',
                content := nullif(array_to_string(list_transform(instructed, lambda p: p.content), chr(10)), ''),
                tool_calls := NULL::STRUCT(id VARCHAR, name VARCHAR, arguments VARCHAR)[],
                tool_call_id := NULL::VARCHAR
            )] END,
            list_transform(list_concat(asked, answered), lambda m: struct_pack(
                role := m.role,
                content := CASE
                    WHEN m.role <> 'tool' THEN nullif(array_to_string(
                        list_transform(list_filter(m.parts, lambda p: p.type = 'text'), lambda p: coalesce(p.content, '')), chr(10)
                    ), '')
                    WHEN json_type(coalesce(m.parts[1].response, m.parts[1].result)) = 'VARCHAR'
                        THEN nullif(coalesce(m.parts[1].response, m.parts[1].result) ->> '$', '')
                    ELSE replace(replace(replace(regexp_replace(
                        coalesce(m.parts[1].response, m.parts[1].result)::VARCHAR, $tokens, '\1' || chr(1), 'g'
                    ), chr(1) || ':', ': '), chr(1) || ',', ', '), chr(1), '')
                END,
                tool_calls := CASE WHEN len(list_filter(m.parts, lambda p: p.type = 'tool_call')) > 0 THEN list_transform(
                    list_filter(m.parts, lambda p: p.type = 'tool_call'),
                    lambda p: struct_pack(
                        id := p.id,
                        name := p.name,
                        arguments := CASE
                            WHEN json_type(p.arguments) = 'VARCHAR' THEN p.arguments ->> '$'
                            ELSE replace(replace(replace(regexp_replace(
                                p.arguments::VARCHAR, $tokens, '\1' || chr(1), 'g'
                            ), chr(1) || ':', ': '), chr(1) || ',', ', '), chr(1), '')
                        END
                    )
                ) END,
                tool_call_id := CASE WHEN m.role = 'tool' THEN nullif(m.parts[1].id, '') END
            ))
        ) AS messages
    FROM read
),
placed AS (
    SELECT
        *,
        len(messages) AS length,
        coalesce(list_position(list_transform(messages, lambda m: m.role <> 'system'), TRUE), 1) - 1 AS preamble,
        list_transform(messages, lambda m: hash(m)) AS digests,
        list_transform(messages, lambda m: m.role = 'assistant') AS answers
    FROM shaped
),
linked AS (
    SELECT
        *,
        coalesce(length - nullif(list_position(list_reverse(answers[:length - 1]), TRUE), 0), 0) AS replied,
        make_timestamptz((CASE WHEN regexp_full_match(span.startTimeUnixNano, '[12]\d{18}') THEN span.startTimeUnixNano END)::BIGINT // 1000) AS started,
        make_timestamptz((CASE WHEN regexp_full_match(span.endTimeUnixNano, '[12]\d{18}') THEN span.endTimeUnixNano END)::BIGINT // 1000) AS ended
    FROM placed
)
SELECT
    line_place * 1048576 + ordinal AS place,
    structure,
    coalesce(
        structure IS NOT NULL AND span IS NOT NULL AND NOT many AND NOT coalesce(named, FALSE)
        AND (NOT contains(structure, '"scope":"JSON"') OR len(regexp_extract_all(json, '"scope"\s*:'))
            = len(regexp_extract_all(json, '"scope"\s*:\s*\{\s*\}')))
        AND NOT contains(json, '\u0000') AND NOT regexp_matches(json, $trailing_comma)
        AND NOT ($names <> '' AND (contains(structure, '"JSON"') OR contains(structure, '"arrayValue"')) AND regexp_matches(json, $names))
        AND NOT coalesce(evaluated, FALSE)
        AND NOT ((contains(structure, 'DOUBLE') OR contains(structure, 'JSON')) AND regexp_matches(json, $not_a_number))
        AND len(json_keys(json)) = list_unique(json_keys(json))
        AND list_bool_and(list_transform(json_keys(json, '$.**'), lambda k: len(k) = list_unique(k)))
        AND (about IS NOT NULL OR len(coalesce(span.attributes, [])) = 0)
        AND NOT list_bool_or(list_transform(list_concat(keys, ['']), lambda k: regexp_matches(k, $elsewhere)))
        AND list_bool_and(list_transform(
            list_concat(span.attributes, [NULL]), lambda a: coalesce(regexp_full_match(a.value.intValue, '0|-?[1-9]\d{0,17}'), TRUE)
        ))
        AND CASE WHEN operation IN $operations THEN
            started IS NOT NULL AND (span.endTimeUnixNano IS NULL OR ended IS NOT NULL)
            AND regexp_matches(span.spanId, $says_something)
            AND regexp_matches(span.traceId, $says_something)
            AND len(answered) = 1 AND len(asked) > 0
            AND messages[preamble + 1].role = 'user' AND messages[length].role = 'assistant'
            AND (messages[length].content IS NOT NULL OR messages[length].tool_calls IS NOT NULL)
            AND (about['gen_ai.system_instructions'] IS NULL OR (
                len(instructed) > 0
                AND list_bool_and(list_transform(instructed, lambda p: p.type = 'text' AND regexp_matches(p.content, $says_something)))
                AND list_bool_and(list_transform(
                    json_keys(instructions, '$[*]'), lambda k: list_unique(k) = len(k) AND len(k) = 2
                ))
            ))
            AND list_bool_and(list_transform(
                list_concat(
                    json_keys(input, '$[*]'), json_keys(output, '$[*]')
                ),
                lambda k: list_unique(k) = len(k) AND list_has_all(['role', 'parts', 'finish_reason'], k)
            ))
            AND list_bool_and(list_transform(
                list_concat(
                    json_keys(input, '$[*].parts[*]'),
                    json_keys(output, '$[*].parts[*]')
                ),
                lambda k: list_unique(k) = len(k)
                    AND list_has_all(['type', 'content', 'id', 'name', 'arguments', 'response', 'result'], k)
            ))
            AND NOT regexp_matches(concat(input, ' ', output), $trailing_comma)
            AND NOT regexp_matches(concat(input, ' ', output, ' ', instructions), $not_a_number)
            AND list_bool_and(list_transform(
                list_concat(json_keys(input, '$.**'), json_keys(output, '$.**')), lambda k: len(k) = list_unique(k)
            ))
            AND list_bool_and(list_transform(list_concat(asked, answered), lambda m: coalesce(
                len(m.parts) > 0 AND CASE
                    WHEN m.role = 'tool' THEN
                        len(m.parts) = 1 AND m.parts[1].type = 'tool_call_response' AND regexp_matches(m.parts[1].id, $says_something)
                        AND m.parts[1].name IS NULL AND m.parts[1].content IS NULL AND m.parts[1].arguments IS NULL
                        AND (m.parts[1].response IS NULL OR m.parts[1].result IS NULL)
                        AND CASE json_type(coalesce(m.parts[1].response, m.parts[1].result))
                            WHEN 'VARCHAR' THEN TRUE
                            WHEN 'OBJECT' THEN NOT list_contains(json_keys(coalesce(m.parts[1].response, m.parts[1].result)), 'value')
                                AND NOT regexp_matches(coalesce(m.parts[1].response, m.parts[1].result)::VARCHAR, $hard_to_write)
                            ELSE FALSE
                        END
                    WHEN m.role IN ('user', 'system', 'assistant') THEN list_bool_and(list_transform(m.parts, lambda p: coalesce(CASE
                        WHEN p.type = 'text' THEN p.content IS NOT NULL AND p.id IS NULL AND p.name IS NULL AND p.arguments IS NULL
                            AND p.response IS NULL AND p.result IS NULL
                        WHEN p.type = 'tool_call' AND m.role = 'assistant' THEN
                            p.id <> '' AND regexp_matches(p.name, $says_something) AND p.content IS NULL
                            AND p.response IS NULL AND p.result IS NULL
                            AND NOT contains(p.arguments::VARCHAR, 'args_')
                            AND CASE json_type(p.arguments)
                                WHEN 'VARCHAR' THEN json_type(TRY_CAST(p.arguments ->> '$' AS JSON)) = 'OBJECT'
                                WHEN 'OBJECT' THEN NOT regexp_matches(p.arguments::VARCHAR, $hard_to_write)
                                ELSE FALSE
                            END
                        ELSE FALSE
                    END, FALSE)))
                    ELSE FALSE
                END, FALSE
            )))
        ELSE operation IS NULL OR regexp_matches(operation, '^[a-z_]+$') END,
        FALSE
    ) AS plain,
    coalesce(operation IN $operations, FALSE) AS is_call,
    span.spanId AS call_id,
    started,
    CASE WHEN ended >= started THEN ended END AS ended,
    coalesce(
        CASE WHEN regexp_matches(about['session.id'], $says_something) THEN about['session.id'] END,
        CASE WHEN regexp_matches(about['gen_ai.conversation.id'], $says_something) THEN about['gen_ai.conversation.id'] END
    ) AS session,
    coalesce(
        CASE WHEN regexp_matches(about['user.id'], $says_something) THEN about['user.id'] END,
        CASE WHEN regexp_matches(about['enduser.id'], $says_something) THEN about['enduser.id'] END
    ) AS customer,
    coalesce(
        CASE WHEN regexp_matches(about['gen_ai.response.model'], $says_something) THEN about['gen_ai.response.model'] END,
        CASE WHEN regexp_matches(about['gen_ai.request.model'], $says_something) THEN about['gen_ai.request.model'] END
    ) AS model,
    coalesce(
        CASE WHEN regexp_matches(about['gen_ai.agent.name'], $says_something) THEN about['gen_ai.agent.name'] END,
        CASE WHEN regexp_matches(service, $says_something) THEN service END
    ) AS scenario,
    CASE
        WHEN about['gen_ai.usage.input_tokens'] IS NOT NULL OR about['gen_ai.usage.output_tokens'] IS NOT NULL THEN struct_pack(
            prompt_tokens := TRY_CAST(about['gen_ai.usage.input_tokens'] AS BIGINT),
            completion_tokens := TRY_CAST(about['gen_ai.usage.output_tokens'] AS BIGINT)
        )
    END AS usage,
    NULL::STRUCT(thumb VARCHAR, score DOUBLE, "comment" VARCHAR) AS feedback,
    messages[:preamble] AS system,
    messages[preamble + 1:] AS said,
    length - preamble AS length,
    hash(digests[preamble + 1:]) AS full,
    CASE WHEN replied > preamble THEN hash(digests[preamble + 1:replied]) END AS parent,
    hash(struct_pack(
        role := messages[preamble + 1].role, content := trim(coalesce(messages[preamble + 1].content, ''))
    )) AS opening,
    hash(digests[:preamble]) AS instructions,
    span.traceId AS trace
FROM linked
