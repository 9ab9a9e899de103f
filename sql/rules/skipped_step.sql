-- id: skipped_step
-- version: 4
-- issue_type: policy_violation
-- severity: minor
-- language: any
-- finds: A step of the scenario's procedure taken although none of the steps that lead to it was taken before, where the other
--     conversations that take the step nearly always took one of those first; a lone conversation is held to the procedure as it is
--     written. Only steps that the logs name at all can be missed.
-- grain: one step
-- inputs: turns, calls, procedures
-- parameters: followed = 0.85
WITH steps AS (
    SELECT conversation_id, scenario, turn, action AS step, content AS quote
    FROM turns
    WHERE role = 'assistant' AND action IS NOT NULL
    UNION ALL
    SELECT conversation_id, scenario, turn, name AS step, name AS quote FROM calls
),
taken AS (
    SELECT
        conversation_id,
        scenario,
        step,
        min(turn) AS turn,
        min(CASE WHEN quote IS NOT NULL THEN turn END) AS shown_turn,
        arg_min(quote, turn) AS quote
    FROM steps
    GROUP BY conversation_id, scenario, step
),
leads AS (
    SELECT DISTINCT scenario, next_reply_id AS step, reply_id AS lead
    FROM procedures
    SEMI JOIN taken ON taken.scenario = procedures.scenario AND taken.step = procedures.reply_id
    WHERE next_reply_id IS NOT NULL
),
needs AS (
    SELECT scenario, step, string_agg(lead, ' or ' ORDER BY lead) AS needed FROM leads GROUP BY scenario, step
),
led AS (
    SELECT DISTINCT taken.conversation_id, taken.step
    FROM taken
    JOIN leads USING (scenario, step)
    JOIN taken AS earlier
        ON earlier.conversation_id = taken.conversation_id AND earlier.step = leads.lead AND earlier.turn <= taken.turn
),
judged AS (
    SELECT
        taken.*,
        needs.needed,
        led.step IS NOT NULL AS is_led,
        count(*) OVER same AS takers,
        count(led.step) OVER same AS followers
    FROM taken
    JOIN needs USING (scenario, step)
    LEFT JOIN led USING (conversation_id, step)
    WINDOW same AS (PARTITION BY taken.scenario, taken.step)
)
SELECT
    conversation_id,
    shown_turn AS turn,
    quote,
    'step ' || step || ' without ' || needed || ' (' || followers || ' of the ' || takers - 1 || ' others had it)' AS evidence
FROM judged
WHERE NOT is_led AND quote IS NOT NULL AND followers >= $followed * (takers - 1)
