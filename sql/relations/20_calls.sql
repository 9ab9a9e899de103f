-- grain: one tool call
-- inputs: turns
-- relation: calls
-- parameters: failure = "\"(ok|success)\" *: *false|\"error\" *: *[^n ]|^ *\"?error|not found|no such|failed|unable to|失败|不存在|无法"
WITH calls AS (
    SELECT conversation_id, turn, content, unnest(tool_calls) AS call
    FROM turns
    WHERE role = 'assistant' AND tool_calls IS NOT NULL
),
results AS (
    SELECT conversation_id, tool_call_id, turn AS result_turn, content AS result
    FROM turns
    WHERE role = 'tool'
)
SELECT
    calls.conversation_id,
    calls.turn,
    calls.content,
    calls.call.id AS call_id,
    calls.call.name AS name,
    calls.call.arguments AS arguments,
    results.result_turn,
    results.result,
    coalesce(regexp_matches(results.result, $failure, 'i'), TRUE) AS failed
FROM calls
LEFT JOIN results
    ON results.conversation_id = calls.conversation_id
    AND results.tool_call_id = calls.call.id
    AND results.result_turn > calls.turn
QUALIFY row_number() OVER (PARTITION BY calls.conversation_id, calls.turn, calls.call.id, calls.call.name, calls.call.arguments ORDER BY results.result_turn) = 1
