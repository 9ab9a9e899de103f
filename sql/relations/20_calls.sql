-- grain: one tool call
-- inputs: turns
-- relation: calls
-- what: Tool calls with their results. `object` is the arguments where they are a JSON object, else null; `failed` says that the
--     result reads like a failure, or that this call alone has none where others of its conversation have; `user_turn` is the last
--     user turn before it.
-- parameters: failure = "\"(ok|success)\" *: *false|\"error\" *: *[^n ]|^ *\"?error|not found|no such|failed|unable to|失败|不存在|无法"
WITH moments AS (
    SELECT
        conversation_id,
        scenario,
        turn,
        role,
        content,
        tool_calls,
        tool_call_id,
        max(CASE WHEN role = 'user' THEN turn END) OVER (PARTITION BY conversation_id ORDER BY turn) AS user_turn
    FROM turns
    WHERE role IN ('user', 'tool') OR tool_calls IS NOT NULL
),
made AS (
    SELECT
        conversation_id,
        scenario,
        turn,
        content,
        unnest(tool_calls) AS call,
        generate_subscripts(tool_calls, 1) AS position,
        user_turn
    FROM moments
    WHERE role = 'assistant'
),
matched AS (
    SELECT made.*, results.turn AS result_turn, results.content AS result
    FROM made
    LEFT JOIN (SELECT * FROM moments WHERE role = 'tool') AS results
        ON results.conversation_id = made.conversation_id
        AND results.tool_call_id = made.call.id
        AND results.turn > made.turn
    QUALIFY row_number() OVER (PARTITION BY made.conversation_id, made.turn, position ORDER BY results.turn) = 1
)
SELECT
    conversation_id,
    scenario,
    turn,
    content,
    call.id AS call_id,
    call.name AS name,
    call.arguments AS arguments,
    CASE WHEN CASE WHEN json_valid(call.arguments) THEN json_type(call.arguments) END = 'OBJECT' THEN call.arguments END AS object,
    user_turn,
    result_turn,
    result,
    coalesce(regexp_matches(result, $failure, 'i'), count(result) OVER (PARTITION BY conversation_id) > 0) AS failed
FROM matched
