-- grain: one conversation
-- inputs: conversations (the day), turns (of the day), replies (of the day), later (user_id, scenario, started_at of this and the next day)
-- what: Satisfaction signals. Explicit ratings decide alone; without one the implicit signals do. A conversation without any signal is
--     neither satisfied nor dissatisfied. Replace this file to define USM by other signals.
--     A repeat contact is the same customer with the same scenario again within 24 hours, who had not thanked; a customer with more
--     than $max_contacts contacts around that time is a machine or a tester, and says nothing.
-- parameters: human = "(talk|speak|connect|transfer).{0,20}(human|person|agent|representative|manager)|(real|human) (person|agent|being)|(转|找|要|换).{0,4}(人工|真人|经理)|人工(客服|服务)"; complaint = "useless|worst|terrible|awful|ridiculous|unacceptable|waste of (my )?time|(really|so|very) (angry|annoyed|frustrat|disappoint)|not helpful|气死|太差|垃圾|投诉|受不了|浪费时间|没用"; thanks = "thank|thx|appreciate|great|perfect|awesome|wonderful|excellent|谢|太好了|棒"; unmet = "not what i|does not help|did not help|still not|never ?mind|forget it|算了|没解决|不用了"; repeat_hours = 24; max_contacts = 3; satisfied_csat = 4; dissatisfied_csat = 2; repeat_similarity = 0.9
WITH users AS (
    SELECT
        conversation_id,
        bool_or(regexp_matches(norm, $human)) AS asked_for_human,
        bool_or(regexp_matches(norm, $complaint)) AS complained,
        arg_max(norm, turn) AS last_words,
        arg_max(content, turn) AS last_content,
        max(turn) AS last_user_turn
    FROM turns
    WHERE role = 'user' AND norm <> ''
    GROUP BY conversation_id
),
ends AS (
    SELECT conversation_id, arg_max(role, turn) AS last_role FROM turns GROUP BY conversation_id
),
contacts AS (
    SELECT
        *,
        lead(started_at) OVER same_customer AS next_at,
        count(*) OVER (
            PARTITION BY user_id, scenario ORDER BY started_at
            RANGE BETWEEN to_hours($repeat_hours) PRECEDING AND to_hours($repeat_hours) FOLLOWING
        ) AS nearby
    FROM later
    WINDOW same_customer AS (PARTITION BY user_id, scenario ORDER BY started_at)
),
repeated AS (
    SELECT conversation_id, TRUE AS repeated_reply
    FROM replies
    WHERE norm <> ''
    GROUP BY conversation_id
    HAVING count(*) > count(DISTINCT norm)
    UNION
    SELECT one.conversation_id, TRUE
    FROM replies AS one
    JOIN replies AS other ON other.conversation_id = one.conversation_id AND other.turn > one.turn
    WHERE one.norm <> other.norm
        AND abs(strlen(one.norm) - strlen(other.norm)) <= (1 - $repeat_similarity) * greatest(strlen(one.norm), strlen(other.norm))
        AND strlen(one.norm) < 2000
        AND 1 - levenshtein(one.norm, other.norm) / greatest(strlen(one.norm), strlen(other.norm)) >= $repeat_similarity
),
signals AS (
    SELECT
        conversations.dt,
        conversations.conversation_id,
        conversations.user_id,
        conversations.scenario,
        conversations.feedback.thumb AS thumb,
        conversations.feedback.score AS score,
        coalesce(users.asked_for_human, FALSE) AS asked_for_human,
        coalesce(users.complained, FALSE) AS complained,
        coalesce(
            ends.last_role = 'user'
            AND (regexp_matches(users.last_content, '[?？]\s*$') OR regexp_matches(users.last_words, $unmet)),
            FALSE
        ) AS abandoned,
        coalesce(
            contacts.next_at <= conversations.ended_at + to_hours($repeat_hours)
            AND contacts.nearby <= $max_contacts
            AND NOT regexp_matches(coalesce(users.last_words, ''), $thanks),
            FALSE
        ) AS repeat_contact,
        coalesce(regexp_matches(users.last_words, $thanks) AND NOT regexp_matches(users.last_words, $unmet), FALSE) AS thanked,
        coalesce(repeated.repeated_reply, FALSE) AS repeated_reply
    FROM conversations
    LEFT JOIN users USING (conversation_id)
    LEFT JOIN ends USING (conversation_id)
    LEFT JOIN repeated USING (conversation_id)
    LEFT JOIN contacts ON contacts.conversation_id = conversations.conversation_id AND contacts.started_at = conversations.started_at
),
judged AS (
    SELECT
        *,
        thumb IS NOT NULL OR score IS NOT NULL AS explicit,
        coalesce(thumb = 'up', FALSE) OR coalesce(score >= $satisfied_csat, FALSE) AS rated_good,
        coalesce(thumb = 'down', FALSE) OR coalesce(score <= $dissatisfied_csat, FALSE) AS rated_bad,
        asked_for_human OR complained OR abandoned OR repeat_contact AS implicit_bad
    FROM signals
)
SELECT
    dt,
    conversation_id,
    user_id,
    scenario,
    explicit,
    asked_for_human,
    complained,
    abandoned,
    repeat_contact,
    thanked,
    repeated_reply,
    CASE WHEN explicit THEN rated_good AND NOT rated_bad ELSE thanked AND NOT implicit_bad END AS satisfied,
    CASE WHEN explicit THEN rated_bad ELSE implicit_bad END AS dissatisfied,
    CASE
        WHEN explicit AND rated_bad THEN 0.0
        WHEN explicit AND rated_good THEN 1.0
        WHEN explicit THEN 0.5
        WHEN implicit_bad
            THEN greatest(0.05, 0.3 - 0.1 * (asked_for_human::INT + complained::INT + abandoned::INT + repeat_contact::INT))
        WHEN thanked THEN 0.85
        ELSE 0.5
    END AS satisfied_score,
    list_filter(
        [
            CASE WHEN thumb IS NOT NULL THEN 'thumb ' || thumb END,
            CASE WHEN score IS NOT NULL THEN 'rated ' || score || ' of 5' END,
            CASE WHEN asked_for_human THEN 'asked for a human' END,
            CASE WHEN complained THEN 'complained' END,
            CASE WHEN abandoned THEN 'left with an open question' END,
            CASE WHEN repeat_contact THEN 'came back within ' || $repeat_hours || ' hours' END,
            CASE WHEN thanked THEN 'thanked at the end' END
        ],
        lambda reason: reason IS NOT NULL
    ) AS reasons
FROM judged
ORDER BY conversation_id
