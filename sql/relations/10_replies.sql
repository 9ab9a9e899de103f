-- grain: one assistant turn with text
-- inputs: turns
-- relation: replies
-- what: Replies with what rules compare them by. `terms` is the set of words, or of pairs of characters where the reply is Chinese;
--     `numbers` its numbers in order; `user_turn`, `user_norm` and `user_content` the last user turn before it; `next_role`, `next_norm`
--     and `next_content` the turn right after it; `is_last` whether nothing follows it; `sourced` whether the conversation shows what
--     tools answered.
WITH heard AS (
    SELECT
        conversation_id,
        scenario,
        turn,
        content,
        norm,
        max(CASE WHEN role = 'user' THEN turn END) OVER earlier AS user_turn,
        last_value(CASE WHEN role = 'user' THEN norm END IGNORE NULLS) OVER earlier AS user_norm,
        last_value(CASE WHEN role = 'user' THEN content END IGNORE NULLS) OVER earlier AS user_content,
        lead(role) OVER line AS next_role,
        lead(norm) OVER line AS next_norm,
        lead(content) OVER line AS next_content,
        max(CASE WHEN role = 'tool' AND content IS NOT NULL THEN 1 ELSE 0 END) OVER whole = 1 AS sourced
    FROM turns
    WINDOW
        line AS (PARTITION BY conversation_id ORDER BY turn),
        earlier AS (PARTITION BY conversation_id ORDER BY turn ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
        whole AS (PARTITION BY conversation_id ORDER BY turn ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
    QUALIFY role = 'assistant' AND norm <> ''
)
SELECT
    *,
    list_distinct(
        CASE
            WHEN strlen(norm) > length(norm) AND regexp_matches(norm, '\p{Han}')
                THEN [norm[i:i + 1] FOR i IN range(1, greatest(length(norm), 2))]
            ELSE string_split(norm, ' ')
        END
    ) AS terms,
    regexp_extract_all(content, '\d+') AS numbers,
    next_role IS NULL AS is_last
FROM heard
