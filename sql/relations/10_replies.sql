-- grain: one assistant turn with text
-- inputs: turns
-- relation: replies
-- what: Replies with what rules compare them by. `terms` is the set of words, or of pairs of characters where the reply is Chinese;
--     `numbers` its numbers in order; `user_turn` the last user turn before it; `is_last` whether nothing follows it.
SELECT
    conversation_id,
    scenario,
    turn,
    content,
    norm,
    list_distinct(
        CASE
            WHEN regexp_matches(norm, '\p{Han}') THEN [norm[i:i + 1] FOR i IN range(1, greatest(length(norm), 2))]
            ELSE string_split(norm, ' ')
        END
    ) AS terms,
    regexp_extract_all(content, '\d+') AS numbers,
    max(CASE WHEN role = 'user' THEN turn END) OVER earlier AS user_turn,
    lead(turn) OVER (PARTITION BY conversation_id ORDER BY turn) IS NULL AS is_last
FROM turns
WINDOW earlier AS (PARTITION BY conversation_id ORDER BY turn ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
QUALIFY role = 'assistant' AND norm <> ''
