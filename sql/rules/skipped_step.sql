-- id: skipped_step
-- version: 1
-- issue_type: policy_violation
-- severity: minor
-- finds: A step of the scenario's procedure taken although none of the steps that lead to it was taken before; only steps that this
--     day's logs name at all can be missed.
-- grain: one step
-- inputs: turns, calls, procedures
WITH steps AS (
    SELECT DISTINCT conversation_id, scenario, turn, action AS step, content FROM turns WHERE role = 'assistant' AND action IS NOT NULL
    UNION
    SELECT calls.conversation_id, turns.scenario, calls.turn, calls.name AS step, calls.name AS content
    FROM calls
    JOIN turns ON turns.conversation_id = calls.conversation_id AND turns.turn = calls.turn
),
observable AS (
    SELECT DISTINCT scenario, step FROM steps
),
leads AS (
    SELECT procedures.scenario, procedures.next_reply_id AS step, list(procedures.reply_id) AS needed
    FROM procedures
    JOIN observable ON observable.scenario = procedures.scenario AND observable.step = procedures.reply_id
    WHERE procedures.next_reply_id IS NOT NULL
    GROUP BY ALL
),
taken AS (
    SELECT conversation_id, step, min(turn) AS first_turn FROM steps GROUP BY ALL
)
SELECT
    steps.conversation_id,
    min(steps.turn) AS turn,
    arg_min(coalesce(steps.content, steps.step), steps.turn) AS quote,
    'step ' || steps.step || ' without ' || any_value(array_to_string(leads.needed, ' or ')) AS evidence
FROM steps
JOIN leads ON leads.scenario = steps.scenario AND leads.step = steps.step
WHERE NOT EXISTS (
    SELECT 1 FROM taken
    WHERE taken.conversation_id = steps.conversation_id
        AND list_contains(leads.needed, taken.step)
        AND taken.first_turn <= steps.turn
)
GROUP BY steps.conversation_id, steps.step
